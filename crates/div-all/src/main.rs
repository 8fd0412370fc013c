//! The programs of Div in one binary.

mod documents;
mod init;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A program.
struct Program {
    name: &'static str,
    /// Takes its arguments, the first of which is its name.
    main: fn(Vec<OsString>) -> ExitCode,
    /// Its command line.
    definition: fn() -> clap::Command,
}

const PROGRAMS: [Program; 5] = [
    Program { name: "div-service", main: div_service::main, definition: div_service::definition },
    Program { name: "div-seed", main: div_seed::main, definition: div_seed::definition },
    Program {
        name: "games-api",
        main: sim_games_server::program::main,
        definition: sim_games_server::program::definition,
    },
    Program { name: "div-bots", main: div_bots::main, definition: div_bots::definition },
    Program {
        name: "sim-router",
        main: sim_wamp::program::router,
        definition: sim_wamp::program::router_definition,
    },
];

/// The command that writes what packagers add to the programs.
const DOCUMENTS: &str = "write-documents";

fn main() -> ExitCode {
    init::bury_if_first();
    let mut args: Vec<OsString> = std::env::args_os().collect();
    if args.first().and_then(program).is_none() && !args.is_empty() {
        args.remove(0);
    }
    if let Some(program) = args.first().and_then(program) {
        return (program.main)(args);
    }
    let told = match &args[..] {
        [command, dir] if command == DOCUMENTS => documents::write(Path::new(dir)),
        _ => {
            let names = PROGRAMS.map(|program| program.name).join(", ");
            Err(format!("name a program ({names}), or `{DOCUMENTS} DIRECTORY`"))
        }
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            // There is nobody left to tell when standard error is closed.
            drop(writeln!(io::stderr(), "error: {text}"));
            ExitCode::from(2)
        }
    }
}

fn program(name: &OsString) -> Option<&'static Program> {
    let name = Path::new(name).file_name()?;
    PROGRAMS.iter().find(|program| name == program.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_its_name_wherever_it_lies() {
        for name in ["div-seed", "/div-seed", "./bin/div-seed"] {
            assert!(program(&name.into()).is_some(), "{name}");
        }
        assert!(program(&"div".into()).is_none());
    }
}

//! The programs of Div in one binary.

mod init;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A program: its name, and what takes its arguments, the first of which is that name.
type Program = (&'static str, fn(Vec<OsString>) -> ExitCode);

const PROGRAMS: [Program; 4] = [
    ("div-service", div_service::main),
    ("div-seed", div_seed::main),
    ("games-api", sim_games_server::program::main),
    ("div-bots", div_bots::main),
];

fn main() -> ExitCode {
    init::bury_if_first();
    let mut args: Vec<OsString> = std::env::args_os().collect();
    if args.first().and_then(program).is_none() && !args.is_empty() {
        args.remove(0);
    }
    match args.first().and_then(program) {
        Some(main) => main(args),
        None => {
            let names = PROGRAMS.map(|(name, _)| name).join(", ");
            // There is nobody left to tell when standard error is closed.
            drop(writeln!(io::stderr(), "error: name a program: {names}"));
            ExitCode::from(2)
        }
    }
}

fn program(name: &OsString) -> Option<fn(Vec<OsString>) -> ExitCode> {
    let name = Path::new(name).file_name()?;
    PROGRAMS.iter().find(|(known, _)| name == *known).map(|(_, main)| *main)
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

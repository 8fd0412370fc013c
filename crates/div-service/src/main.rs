//! The Div service: reads the settings, installs the log, and runs.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use div_service::{Ended, Settings};
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let settings = match Settings::try_parse() {
        Ok(settings) => settings,
        Err(error) => return usage(&error),
    };
    let filter = match settings.log.parse::<EnvFilter>() {
        Ok(filter) => filter,
        Err(error) => {
            let text = format!("`--log` has no filter `{}`: {error}", settings.log);
            return fail(&text, 2);
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start the service's threads: {error}"), 1),
    };
    match runtime.block_on(div_service::run(settings)) {
        Ok(Ended::InOrder) => ExitCode::SUCCESS,
        Ok(Ended::AtOnce(code)) => {
            runtime.shutdown_background();
            ExitCode::from(code)
        }
        Err(error) => fail(&format!("{error:#}"), 1),
    }
}

/// One core is left to the thread that writes the database: everybody waits for it, so it must not
/// wait for them (docs/BENCHMARKS.md).
fn runtime() -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let workers = cores.saturating_sub(1).max(1);
    tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()
}

/// Prints help where it was asked for, and otherwise one line that says what is wrong.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // There is nobody left to tell when standard output is closed.
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let line = text.lines().next().unwrap_or_default();
    fail(&format!("{}; see --help", line.trim_start_matches("error: ")), 2)
}

fn fail(text: &str, code: u8) -> ExitCode {
    // There is nobody left to tell when standard error is closed.
    drop(writeln!(io::stderr(), "error: {text}"));
    ExitCode::from(code)
}

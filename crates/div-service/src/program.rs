//! The program: reads the settings, installs the log, and runs.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use crate::{Ended, Loaded, LogFormat, Settings, Unloaded, load};

/// Reads a command line, which begins with the program's name, and tells how the program is to end.
#[must_use]
pub fn main(args: Vec<OsString>) -> ExitCode {
    let loaded = match load(args, &|name| std::env::var_os(name)) {
        Ok(loaded) => loaded,
        Err(unloaded) => return end_without(unloaded),
    };
    let format = loaded.settings.log_format;
    install_log(&loaded.settings);
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start the service's threads: {error}"), 1),
    };
    match runtime.block_on(run(loaded)) {
        Ok(Ended::InOrder) => ExitCode::SUCCESS,
        Ok(Ended::AtOnce(code)) => {
            runtime.shutdown_background();
            ExitCode::from(code)
        }
        // A log of JSON has no other lines in it; what it would leave out is said all the same.
        Err(error) if format == LogFormat::Json && tracing::enabled!(tracing::Level::ERROR) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
        Err(error) => fail(&format!("{error:#}"), 1),
    }
}

async fn run(loaded: Loaded) -> anyhow::Result<Ended> {
    match &loaded.command {
        Some(command) => command.run(&loaded).await.map(|()| Ended::InOrder),
        None => crate::run(loaded.settings).await,
    }
}

fn install_log(settings: &Settings) {
    // The filter was looked at when the settings were loaded.
    let filter = EnvFilter::new(&settings.log);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match settings.log_format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        _ => log.with_ansi(io::stderr().is_terminal()).init(),
    }
}

/// One core is left to the thread that writes the database: everybody waits for it, so it must not
/// wait for them (docs/BENCHMARKS.md).
fn runtime() -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let workers = cores.saturating_sub(1).max(1);
    tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()
}

/// Prints what was asked for, or everything that is wrong with the settings.
fn end_without(unloaded: Unloaded) -> ExitCode {
    // There is nobody left to tell when standard output is closed.
    match unloaded {
        Unloaded::Help(text) => drop(text.print()),
        Unloaded::Example(text) => drop(io::stdout().write_all(text.as_bytes())),
        Unloaded::Problems(problems) => return fail(&problems.join("\nerror: "), 2),
    }
    ExitCode::SUCCESS
}

fn fail(text: &str, code: u8) -> ExitCode {
    // There is nobody left to tell when standard error is closed.
    drop(writeln!(io::stderr(), "error: {text}"));
    ExitCode::from(code)
}

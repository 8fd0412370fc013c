//! The program: reads the settings, installs the log, and runs.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use tokio::runtime::Runtime;

use crate::log::Log;
use crate::{Ended, Loaded, LogFormat, Unloaded, load};

/// Reads a command line, which begins with the program's name, and tells how the program is to end.
#[must_use]
pub fn main(args: Vec<OsString>) -> ExitCode {
    let loaded = match load(args, &|name| std::env::var_os(name)) {
        Ok(loaded) => loaded,
        Err(unloaded) => return end_without(unloaded),
    };
    let format = loaded.settings.log_format;
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start the service's threads: {error}"), 1),
    };
    let outcome = Log::install(&loaded.settings, runtime.handle()).and_then(|log| {
        let ended = runtime.block_on(run(loaded))?;
        if ended == Ended::InOrder {
            log.end();
        }
        Ok(ended)
    });
    match outcome {
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

//! A client of any WAMP router for the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    sim_wamp::program::client(std::env::args_os().collect())
}

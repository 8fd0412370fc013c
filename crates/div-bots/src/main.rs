//! Simulated players of Div.

use std::process::ExitCode;

fn main() -> ExitCode {
    div_bots::main(std::env::args_os().collect())
}

//! Creates the default environment of Div.

use std::process::ExitCode;

fn main() -> ExitCode {
    div_seed::main(std::env::args_os().collect())
}

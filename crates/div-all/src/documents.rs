//! What packagers add to the programs: manual pages, and what shells complete.

use std::fs;
use std::path::Path;

use clap_complete::{Shell, generate_to};

use crate::PROGRAMS;

/// Writes `man/NAME.1` and the completions of common shells for each program.
pub(crate) fn write(dir: &Path) -> Result<(), String> {
    let (man, completions) = (dir.join("man"), dir.join("completions"));
    let write = || {
        fs::create_dir_all(&man)?;
        fs::create_dir_all(&completions)?;
        for program in PROGRAMS {
            // Its pages would say nothing that the others do not.
            let mut definition = (program.definition)().disable_help_subcommand(true);
            for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
                generate_to(shell, &mut definition, program.name, &completions)?;
            }
            clap_mangen::generate_to(definition, &man)?;
        }
        std::io::Result::Ok(())
    };
    write().map_err(|error| format!("cannot write into `{}`: {error}", dir.display()))
}

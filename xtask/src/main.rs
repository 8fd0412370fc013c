#![doc = include_str!("../README.md")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command does")]

mod bench;
mod cargo;
mod dist;
mod fuzz;
mod image;
mod loc;
mod new_sim;
mod skipped;
mod soak;
mod steps;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything CI runs, stopping at the first failure
    Ci,
    /// Check the house rules that no compiler checks
    Tidy,
    /// Count the lines of code of every simulation, and bound them
    Loc,
    /// Build release binaries and run the load generator
    Bench(bench::BenchArgs),
    /// Run the fuzz targets, each for a limited time
    Fuzz(fuzz::FuzzArgs),
    /// Make a release: static binary, checksums, bill of materials, manual pages, completions
    Dist(dist::DistArgs),
    /// Build the container image without a container engine, and play a round against it
    Image,
    /// Make a crate for a new simulation, with a small game that builds, is tested and can be played
    NewSim(new_sim::NewSimArgs),
    /// Run the long campaigns (kills, properties, fuzzing) and print a table of what ran
    Soak,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Ci => steps::ci(),
        Command::Tidy => tidy::run(),
        Command::Loc => loc::run(),
        Command::Bench(args) => bench::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Dist(args) => dist::run(&args),
        Command::Image => image::run(),
        Command::NewSim(args) => new_sim::run(&args),
        Command::Soak => soak::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}

//! The package: a zip archive that is written as it is sent.

use std::io::Write;

use sim_games_types::RunPk;
use zip::CompressionMethod;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::outlet::fault;
use super::{lines, table};
use crate::sql::connection::{Connection, Fault};

const README: &str = "\
decisions_and_results.csv  one row per decision and result, for spreadsheets; `value` is the value\r\n\
\x20                          of `data` when it has just one\r\n\
objects.jsonl              one object per line: the game, its phases and roles, the run, and all\r\n\
\x20                          that belongs to it, as the Games API represents them\r\n\
journal.jsonl              every change of the run, in order: what, when, and by whom\r\n\
\r\n\
Times are UTC. All files show the run as it was at one moment.\r\n";

/// Writes the archive.
pub(super) fn write(
    connection: &dyn Connection,
    run: RunPk,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let mut archive = ZipWriter::new_stream(out);
    // Anything may grow beyond 4 GiB. The fastest compression keeps pace with the database.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .large_file(true);
    archive.start_file("README.txt", options).map_err(broken)?;
    archive.write_all(README.as_bytes()).map_err(fault)?;
    archive.start_file("decisions_and_results.csv", options).map_err(broken)?;
    table::write(connection, run, &mut archive)?;
    archive.start_file("objects.jsonl", options).map_err(broken)?;
    lines::write_objects(connection, run, &mut archive)?;
    archive.start_file("journal.jsonl", options).map_err(broken)?;
    lines::write_changes(connection, run, &mut archive)?;
    archive.finish().map(|_| ()).map_err(broken)
}

fn broken(error: ZipError) -> Fault {
    fault(error.into())
}

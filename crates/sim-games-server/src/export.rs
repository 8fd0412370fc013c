//! Exports of a run: as a table, as lines of JSON, or as a package with everything.
//!
//! An export is read at one moment and sent as it is read, so that it needs little memory however
//! large the run is.

mod lines;
mod outlet;
mod package;
mod surroundings;
mod table;

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use sim_games_types::RunPk;
use tokio::sync::mpsc;

use crate::api::GamesApi;
use crate::error::StoreError;
use crate::sql::connection::{Connection, Fault};
use outlet::Outlet;

/// In what form a run is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One row per decision and result, for spreadsheets (RFC 4180).
    Csv,
    /// One object per line: the game, its phases and roles, the run and all that belongs to it.
    JsonLines,
    /// A zip archive with both, and with every change that the journal tells of the run.
    Zip,
}

impl ExportFormat {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Csv, Self::JsonLines, Self::Zip];

    /// The name, which is also the ending of a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Zip => "zip",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/jsonl",
            Self::Zip => "application/zip",
        }
    }

    /// The form with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// An export on its way: a stream of pieces, which ends with an error when it breaks off.
#[derive(Debug)]
pub struct Export {
    pieces: mpsc::Receiver<Result<Bytes, StoreError>>,
}

impl Stream for Export {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.poll_recv(ctx)
    }
}

impl GamesApi {
    /// Exports a run as it is now; none when there is no such run.
    ///
    /// Two exports are made at a time, others wait. One whose pieces are not taken for a minute
    /// breaks off.
    ///
    /// # Errors
    /// When the database cannot be read now.
    pub async fn export(
        &self,
        run: RunPk,
        format: ExportFormat,
    ) -> Result<Option<Export>, StoreError> {
        if self.store().get(sim_games_types::Resource::Run, run.0).await?.is_none() {
            return Ok(None);
        }
        let (outlet, pieces) = Outlet::new();
        let read = move |connection: &dyn Connection, stopping| {
            write(connection, run, format, outlet.until(stopping))
        };
        self.store().read_aside(read).await?;
        Ok(Some(Export { pieces }))
    }
}

fn write(
    connection: &dyn Connection,
    run: RunPk,
    format: ExportFormat,
    mut outlet: Outlet,
) -> Result<(), Fault> {
    let written = match format {
        ExportFormat::Csv => table::write(connection, run, &mut outlet),
        ExportFormat::JsonLines => lines::write_objects(connection, run, &mut outlet),
        ExportFormat::Zip => package::write(connection, run, &mut outlet),
    };
    outlet.finish(written)
}

//! Exporting a run into a file.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use futures_util::StreamExt;
use sim_games_types::RunPk;

use super::Outcome;
use super::cli::Export;
use super::dialog::Dialog;
use crate::{ExportFormat, GamesApi};

pub(super) async fn run(api: &GamesApi, args: &Export, dialog: &mut Dialog) -> Result<Outcome> {
    let format = format(args)?;
    let export = api.export(RunPk(args.run), format).await?;
    let mut pieces = export.ok_or_else(|| anyhow!("there is no run {}", args.run))?;
    let Some(path) = &args.out else {
        let mut out = io::stdout().lock();
        while let Some(piece) = pieces.next().await {
            out.write_all(&piece?).context("cannot write to standard output")?;
        }
        return Ok(Outcome::Done);
    };
    let unwritten = || format!("cannot write `{}`", path.display());
    let mut file = File::create_new(path).with_context(unwritten)?;
    let mut bytes = 0;
    let written = async {
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            bytes += piece.len();
            file.write_all(&piece).with_context(unwritten)?;
        }
        file.sync_all().with_context(unwritten)
    };
    if let Err(error) = written.await {
        // Half an export is none.
        std::fs::remove_file(path).ok();
        return Err(error);
    }
    dialog.say(&format!("wrote {bytes} bytes to {}", path.display()))?;
    Ok(Outcome::Done)
}

fn format(args: &Export) -> Result<ExportFormat> {
    let ending = args.out.as_deref().and_then(Path::extension).and_then(|it| it.to_str());
    match (args.format.as_deref(), ending) {
        (Some(name), _) => ExportFormat::from_name(name),
        (None, Some(ending)) => ExportFormat::from_name(ending),
        (None, None) => Some(ExportFormat::Csv),
    }
    .ok_or_else(|| anyhow!("choose the format with `--format`: csv, jsonl or zip"))
}

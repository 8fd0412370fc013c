//! Taking over an installation of the original.

use anyhow::{Result, bail};

use super::Outcome;
use super::cli::Import;
use super::dialog::Dialog;
use crate::{Database, GamesApi, TakeOverError, TakenOver};

pub(super) async fn run(api: &GamesApi, args: &Import, dialog: &mut Dialog) -> Result<Outcome> {
    if !matches!(Database::parse(&args.from), Ok(Database::Postgres(_))) {
        // It is not repeated: it may hold a password.
        bail!("`--from` names no PostgreSQL server, write it as `postgres://user@host/database`");
    }
    match api.take_over(&args.from, args.strict).await {
        Ok(taken) => {
            tell(&taken, dialog)?;
            Ok(Outcome::Done)
        }
        Err(TakeOverError::Strict(taken)) => {
            tell(&taken, dialog)?;
            Err(TakeOverError::Strict(taken).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The rows that are left out, one a line, and a table of all.
fn tell(taken: &TakenOver, dialog: &mut Dialog) -> Result<()> {
    for line in &taken.left_out {
        dialog.say(&format!("left out: {line}"))?;
    }
    let listed = u64::try_from(taken.left_out.len())?;
    if taken.missing() > listed {
        dialog.say(&format!("left out: {} more", taken.missing() - listed))?;
    }
    for line in &taken.changed {
        dialog.say(&format!("changed: {line}"))?;
    }
    dialog.say(&format!("{:<12}{:>12}{:>12}{:>12}", "", "read", "imported", "left out"))?;
    for kind in &taken.kinds {
        let missing = kind.read - kind.copied;
        let line = format!("{:<12}{:>12}{:>12}{missing:>12}", kind.kind, kind.read, kind.copied);
        dialog.say(&line)?;
    }
    Ok(())
}

//! Filling an empty database with the default environment.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use div_seed::{Client, SeedOptions, Silent};
use sim::Service;

use crate::Settings;

/// The staff account of a new database.
pub(crate) const STAFF: (&str, &str) = ("simpl@simpl.world", "simpl");

/// Whether the service has a database of its own, in which nothing was ever stored but the staff
/// account.
pub(crate) async fn is_empty(service: &Service) -> Result<bool> {
    match service.core().api() {
        Some(api) => Ok(api.last_seq().await? <= 1),
        None => Ok(false),
    }
}

/// Makes the default environment when the database is empty, or when an earlier start was killed
/// while it made it. Tells whether it did.
pub(crate) async fn seed_if_empty(service: &Service, settings: &Settings) -> Result<bool> {
    let marker = marker(settings);
    let Some(address) = service.games_address_for_clients() else { return Ok(false) };
    if settings.no_seed || !(marker.exists() || is_empty(service).await?) {
        return Ok(false);
    }
    // Creating the environment takes many requests; the marker tells the next start to finish it.
    std::fs::create_dir_all(&settings.data_dir)
        .and_then(|()| std::fs::write(&marker, ""))
        .with_context(|| format!("cannot write `{}`", marker.display()))?;
    let client =
        Client::builder(format!("http://{address}/apis/")).basic(STAFF.0, STAFF.1).build()?;
    let options = SeedOptions::new(&settings.game_slug, &settings.game_name);
    div_seed::seed(&client, &options, &mut Silent)
        .await
        .context("the default environment could not be created")?;
    remove(&marker)?;
    Ok(true)
}

fn marker(settings: &Settings) -> PathBuf {
    settings.data_dir.join(format!("{}.seeding", crate::run::DATABASE))
}

fn remove(marker: &Path) -> Result<()> {
    std::fs::remove_file(marker).with_context(|| format!("cannot remove `{}`", marker.display()))
}

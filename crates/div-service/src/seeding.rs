//! Filling an empty database with the default environment.

use anyhow::Result;
use div_seed::{SeedOptions, Silent};
use sim::Service;

use crate::Settings;

/// Makes the default environment when the database is empty, or when an earlier start was killed
/// while it made it. Tells whether it did.
pub(crate) async fn seed_if_empty(service: &Service, settings: &Settings) -> Result<bool> {
    if settings.no_seed {
        return Ok(false);
    }
    let marker = settings.data_dir.join(format!("{}.seeding", crate::run::DATABASE));
    let options = SeedOptions::new(&settings.game_slug, &settings.game_name);
    let make = async |client| div_seed::seed(&client, &options, &mut Silent).await;
    Ok(sim::seed_once(service, &marker, make).await?)
}

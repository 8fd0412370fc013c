//! Counting and deleting what belongs to a game.

use anyhow::{Result, bail};
use sim_games_types::{Operation, Resource, Target};

use super::cli::{Game, ResetGame};
use super::dialog::Dialog;
use super::{Outcome, accounts};
use crate::GamesApi;
use crate::model::{Cell, Condition, Strictness, Table, conditions};
use crate::sql::LEAVES_FIRST;
use crate::store::Query;

/// Rows that are deleted at once: few enough to keep in memory.
const AT_ONCE: u64 = 500;

/// What is counted, as people call it.
const COUNTED: [(Resource, &str); 9] = [
    (Resource::Phase, "Phase"),
    (Resource::Role, "Role"),
    (Resource::Run, "Run"),
    (Resource::RunUser, "RunUser"),
    (Resource::World, "World"),
    (Resource::Scenario, "Scenario"),
    (Resource::Period, "Period"),
    (Resource::Decision, "Decision"),
    (Resource::Result, "Result"),
];

pub(super) async fn count(api: &GamesApi, game: &Game, dialog: &mut Dialog) -> Result<Outcome> {
    known(api, game.slug()).await?;
    for (resource, name) in COUNTED {
        let count = api.store().count(of_game(resource, game.slug())?).await?;
        dialog.say(&format!("{name} count: {count}"))?;
    }
    Ok(Outcome::Done)
}

pub(super) async fn reset(
    api: &GamesApi,
    args: &ResetGame,
    dialog: &mut Dialog,
) -> Result<Outcome> {
    known(api, &args.slug).await?;
    if !args.confirm && !dialog.confirm("Are you sure you want to delete all runs?")? {
        dialog.say("Aborting run removal!")?;
        return Ok(Outcome::Failed(255));
    }
    let runs = api.store().count(of_game(Resource::Run, &args.slug)?).await?;
    dialog.say(&format!("Removing {runs} runs from Game slug {}", args.slug))?;
    // Leaves first, so that no unit of work has much to delete below its rows.
    // Phases and roles, which come after the runs, stay.
    for resource in LEAVES_FIRST.into_iter().take_while(|it| *it != Resource::Phase) {
        delete_all(api, resource, &args.slug).await?;
    }
    dialog.say("DONE")?;
    Ok(Outcome::Done)
}

async fn delete_all(api: &GamesApi, resource: Resource, slug: &str) -> Result<()> {
    loop {
        let rows = api.store().list(of_game(resource, slug)?).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let delete = rows
            .iter()
            .map(|row| Operation::Delete { resource, pk: Target::Pk(row.record.pk()) })
            .collect();
        accounts::commit(api, delete).await?;
    }
}

/// The first rows of a resource that belong to a game.
fn of_game(resource: Resource, slug: &str) -> Result<Query> {
    let table = Table::of(resource);
    let filter = [("game_slug".to_owned(), slug.to_owned())];
    let Ok(conditions) = conditions(table, &filter, Strictness::Strict) else {
        bail!("`{slug}` is no slug of a game");
    };
    Ok(Query { table, conditions, order: Vec::new(), offset: 0, limit: AT_ONCE })
}

async fn known(api: &GamesApi, slug: &str) -> Result<()> {
    let conditions =
        vec![Condition { sql: "t.slug = ?", value: Cell::Text(slug.to_owned().into()) }];
    let table = Table::of(Resource::Game);
    let query = Query { table, conditions, order: Vec::new(), offset: 0, limit: 1 };
    if api.store().count(query).await? == 0 {
        bail!("no game has the slug `{slug}`, give a slug and not a name or key");
    }
    Ok(())
}

//! The first accounts, asked for one by one.

use anyhow::Result;
use serde_json::json;
use sim_games_types::{Record, Resource, User};

use super::dialog::Dialog;
use super::{Outcome, accounts};
use crate::GamesApi;
use crate::model::{Cell, Condition, Table};
use crate::store::Query;

pub(super) async fn run(api: &GamesApi, dialog: &mut Dialog) -> Result<Outcome> {
    dialog.say("=== Setup Simpl API ===")?;
    let superusers = users(api, true).await?;
    if superusers.is_empty() {
        let email = ask_for(api, dialog, true).await?;
        dialog.say(&format!("-- Superuser {email} created ---"))?;
    } else {
        dialog.say("These superusers exist; `games-api create-user --superuser` makes others:")?;
        list(&superusers, dialog)?;
    }
    let staff = users(api, false).await?;
    if !staff.is_empty() {
        dialog.say("These staff users exist:")?;
        list(&staff, dialog)?;
        if !dialog.confirm("Would you like to setup another staff user?")? {
            return Ok(Outcome::Done);
        }
    }
    let email = ask_for(api, dialog, false).await?;
    dialog.say(&format!("-- Staff User {email} created ---"))?;
    Ok(Outcome::Done)
}

/// Asks for an account and makes it.
async fn ask_for(api: &GamesApi, dialog: &mut Dialog, is_superuser: bool) -> Result<String> {
    let kind = if is_superuser { "superuser" } else { "staff user" };
    let email = dialog.ask_email(&format!("Please enter email address for {kind}"))?;
    let password = dialog.ask_new_password()?;
    let fields = json!({
        "email": email, "password": password, "is_staff": true, "is_superuser": is_superuser,
    });
    accounts::store(api, fields).await?;
    Ok(email)
}

/// The active superusers, or the active staff users that are none.
async fn users(api: &GamesApi, superusers: bool) -> Result<Vec<User>> {
    let flag = |sql| Condition { sql, value: Cell::Bool(true) };
    let mut conditions = vec![flag("t.is_active = ?")];
    conditions.push(if superusers {
        flag("t.is_superuser = ?")
    } else {
        flag("t.is_staff = ? AND NOT t.is_superuser")
    });
    let table = Table::of(Resource::User);
    let query = Query { table, conditions, order: Vec::new(), offset: 0, limit: 1000 };
    let found = api.store().list(query).await?;
    Ok(found
        .iter()
        .filter_map(|stored| match &stored.record {
            Record::User(user) => Some(user.clone()),
            _ => None,
        })
        .collect())
}

fn list(users: &[User], dialog: &mut Dialog) -> Result<()> {
    users.iter().try_for_each(|user| dialog.say(&format!("  {}", user.email)))
}

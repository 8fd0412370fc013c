//! Making accounts.

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use sim_games_types::{Operation, Resource, UnitOfWork};

use super::Outcome;
use super::cli::CreateUser;
use super::dialog::Dialog;
use crate::error::StoreError;
use crate::{AuthError, GamesApi};

/// The account that the documentation speaks of.
const SIMPL: (&str, &str) = ("simpl@simpl.world", "simpl");

pub(super) async fn create(
    api: &GamesApi,
    args: &CreateUser,
    dialog: &mut Dialog,
) -> Result<Outcome> {
    let password = if args.password_stdin { dialog.line()? } else { dialog.ask_new_password()? };
    let fields = json!({
        "email": args.email,
        "first_name": args.first_name,
        "last_name": args.last_name,
        "password": password,
        // Who administers superusers administers all else as well.
        "is_staff": args.staff || args.superuser,
        "is_superuser": args.superuser,
    });
    store(api, fields).await?;
    dialog.say(&format!("created {}", args.email))?;
    Ok(Outcome::Done)
}

/// Stores an account.
pub(super) async fn store(api: &GamesApi, fields: Value) -> Result<()> {
    let Value::Object(fields) = fields else { unreachable!("the fields are an object") };
    let create = Operation::Create { resource: Resource::User, fields, reference: None };
    commit(api, vec![create]).await
}

/// Stores what the program does to the database.
pub(super) async fn commit(api: &GamesApi, operations: Vec<Operation>) -> Result<()> {
    let cause = Some("games-api".to_owned());
    let unit = UnitOfWork { cause, operations, ..UnitOfWork::default() };
    match api.commit(unit).await {
        Ok(_) => Ok(()),
        Err(StoreError::Invalid(errors)) => Err(anyhow!("{}", errors.sentence())),
        Err(error) => Err(error.into()),
    }
}

/// Makes sure that the documented account exists, is what it should be and has its password.
pub(super) async fn create_simpl_user(api: &GamesApi, dialog: &mut Dialog) -> Result<Outcome> {
    let (email, password) = SIMPL;
    let is_there = match api.authenticate(email, password).await {
        Ok(user) => user.is_staff && user.is_superuser,
        Err(AuthError::Store(error)) => return Err(error.into()),
        Err(_) => false,
    };
    if !is_there {
        let key = json!({ "email": email });
        let flags = json!({
            "password": password, "is_staff": true, "is_superuser": true, "is_active": true,
        });
        let (Value::Object(key), Value::Object(fields)) = (key, flags) else {
            unreachable!("both are objects")
        };
        let ensure = Operation::Upsert { resource: Resource::User, key, fields, reference: None };
        commit(api, vec![ensure]).await?;
    }
    dialog.say(&format!("Created superuser '{email}' with password '{password}'."))?;
    Ok(Outcome::Done)
}

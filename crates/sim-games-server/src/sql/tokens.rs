//! Logins by token, and hashes that are replaced by better ones.
//!
//! None of it is journaled: nobody may see tokens or hashes, and whoever follows the changes would
//! be told of users that look as before.

use std::sync::Arc;

use sim_games_types::{Resource, Stored, Timestamp, UserPk};

use super::connection::{Connection, Fault, Value};
use super::row::entry;
use super::statements;
use crate::credentials::Digest;
use crate::model::{Cell, Table};

/// Tokens of one user; a new one takes the place of the oldest.
const MOST: usize = 20;

/// The active user whose token has this digest.
pub(super) fn user(
    connection: &dyn Connection,
    digest: &Digest,
) -> Result<Option<Arc<Stored>>, Fault> {
    let sql = format!(
        "{} JOIN token k ON k.\"user\" = t.id WHERE k.digest = ?1 AND t.is_active",
        statements::of(Resource::User).select
    );
    connection.first(&sql, &[digest.as_str().into()], |row| Ok(entry(Resource::User, row)?.object))
}

/// The tokens of a user, the oldest first.
pub(super) fn of(connection: &dyn Connection, user: UserPk) -> Result<Vec<(Digest, i64)>, Fault> {
    let sql = "SELECT digest, created FROM token WHERE \"user\" = ?1 ORDER BY created, digest";
    connection.rows(sql, &[user.0.into()], |row| {
        Ok((Digest::stored(row.text(0)?.to_owned()), row.int(1)?))
    })
}

/// Adds a token and tells which ones it displaced; none when the user has been deactivated, or has
/// another hash than the one that was checked.
pub(super) fn add(
    connection: &dyn Connection,
    user: UserPk,
    hash: &str,
    digest: &Digest,
) -> Result<Option<Vec<Digest>>, Fault> {
    let sql = "SELECT 1 FROM \"user\" WHERE id = ?1 AND password = ?2 AND is_active";
    if !connection.exists(sql, &[user.0.into(), hash.into()])? {
        return Ok(None);
    }
    let others = of(connection, user)?;
    // The clock may have been set back, and two tokens may come within its unit.
    let newest = others.last().map_or(0, |(_, created)| *created);
    let created = Timestamp::now().micros().max(newest.saturating_add(1));
    connection.execute(
        "INSERT INTO token (digest, \"user\", created) VALUES (?1, ?2, ?3)",
        &[digest.as_str().into(), user.0.into(), created.into()],
    )?;
    let surplus = others.len().saturating_sub(MOST - 1);
    let displaced: Vec<Digest> = others.into_iter().take(surplus).map(|(it, _)| it).collect();
    for digest in &displaced {
        remove(connection, digest)?;
    }
    Ok(Some(displaced))
}

/// Ends a token.
pub(super) fn remove(connection: &dyn Connection, digest: &Digest) -> Result<(), Fault> {
    let sql = "DELETE FROM token WHERE digest = ?1";
    connection.execute(sql, &[digest.as_str().into()]).map(|_| ())
}

/// Ends the tokens of a user who was deactivated or has another password, all but one at most.
pub(super) fn end_after(
    connection: &dyn Connection,
    (table, pk): (&Table, i64),
    (changed, cells): (&[usize], &[Cell]),
    keep: Option<&Digest>,
) -> Result<(), Fault> {
    let ends = |position: &usize| match table.fields[*position].name {
        "password" => true,
        "is_active" => cells[*position] == Cell::Bool(false),
        _ => false,
    };
    if table.resource != Resource::User || !changed.iter().any(ends) {
        return Ok(());
    }
    let kept: Value<'_> = keep.map_or("", Digest::as_str).into();
    let sql = "DELETE FROM token WHERE \"user\" = ?1 AND digest <> ?2";
    connection.execute(sql, &[pk.into(), kept]).map(|_| ())
}

/// Replaces a hash, if it is still the old one.
pub(super) fn replace_hash(
    connection: &dyn Connection,
    user: UserPk,
    old: &str,
    new: &str,
) -> Result<bool, Fault> {
    let sql = "UPDATE \"user\" SET password = ?1 WHERE id = ?2 AND password = ?3";
    Ok(connection.execute(sql, &[new.into(), user.0.into(), old.into()])? > 0)
}

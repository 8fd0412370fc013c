//! What the journal tells of a run, for people.

use serde_json::json;
use sim_games_types::{RunPk, Timestamp};

use super::connection::{Connection, Fault, Value};
use crate::json::with_field;
use crate::store::AuditQuery;

/// The newest entries that are wanted, each with its number, as JSON.
pub(super) fn entries(
    connection: &dyn Connection,
    query: &AuditQuery,
) -> Result<Vec<(u64, String)>, Fault> {
    let RunPk(run) = query.run;
    let mut sql = "SELECT j.seq, j.at, j.resource, j.pk, j.action, j.actor, u.email, j.cause, \
                   j.payload FROM journal j LEFT JOIN \"user\" u ON u.id = j.actor WHERE j.run = ?"
        .to_owned();
    let mut values = vec![Value::Int(run)];
    let filters = [
        ("j.seq < ?", query.before.map(Value::from)),
        ("j.actor = ?", query.actor.map(Value::from)),
        ("j.resource = ?", query.resource.map(|it| Value::from(it.name()))),
    ];
    for (condition, value) in filters {
        if let Some(value) = value {
            sql.push_str(&format!(" AND {condition}"));
            values.push(value);
        }
    }
    sql.push_str(" ORDER BY j.seq DESC LIMIT ?");
    values.push(i64::from(query.limit).into());
    connection.rows(&sql, &values, |row| {
        let seq = row.count(0)?;
        let fields = json!({
            "seq": seq,
            "at": Timestamp::from_micros(row.int(1)?),
            "resource": row.text(2)?,
            "pk": row.int(3)?,
            "action": row.text(4)?,
            "actor": row.opt_int(5)?,
            // None when nobody did it, or when the user is gone.
            "actor_email": row.opt_text(6)?,
            "cause": row.opt_text(7)?,
        });
        Ok((seq, with_field(&fields, "data", row.text(8)?)))
    })
}

//! What a leader says to a world, or to the whole run: it lies in their `data` under `notice`, where
//! everybody who sees the scope reads it, also whoever comes later.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use sim_games_types::{Resource, Run, Timestamp, World};

use super::{Writer, arguments};
use crate::call::CallData;
use crate::error::{CallError, CallResult};
use crate::scope::{HasData, Kind, Scope};

/// Where the notice lies in the data.
const FIELD: &str = "notice";

/// The most characters of a notice.
const LONGEST: usize = 500;

pub(super) const ALL: &[(Resource, &str, Writer)] = &[
    (Resource::Run, "notify", |call| Box::pin(async move { notify::<Run>(&call) })),
    (Resource::World, "notify", |call| Box::pin(async move { notify::<World>(&call) })),
];

/// What `notify` takes: an empty text takes the notice away.
#[derive(Deserialize)]
struct Notice {
    text: String,
}

fn notify<K: Kind + HasData>(call: &Arc<CallData>) -> CallResult<String> {
    call.require_leader()?;
    let Notice { text } = arguments(call)?;
    let text = text.trim();
    if text.chars().count() > LONGEST {
        let message = format!("a notice has {LONGEST} characters at most");
        return Err(CallError::invalid_argument(message));
    }
    let notice = match text.is_empty() {
        true => Value::Null,
        false => json!({"text": text, "at": Timestamp::now()}),
    };
    Scope::<K>::of(call)?.merge_data(json!({ FIELD: notice }))?;
    Ok("null".to_owned())
}

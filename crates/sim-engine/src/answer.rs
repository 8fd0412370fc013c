//! The first answer to a call that may be repeated: how it is stored and given again.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::error::{CallError, CallResult};

/// The longest key of a repeatable call: it is stored with the answer.
pub(crate) const MAX_KEY: usize = 200;

/// The key by which the caller recognizes a repetition, if the call carries one.
pub(crate) fn idempotency_key(call: &Call) -> CallResult<Option<String>> {
    #[derive(Deserialize)]
    struct Keyed {
        #[serde(default)]
        idempotency_key: Value,
    }
    // The text is looked at first: hardly any call carries a key.
    if !call.kwargs.contains("idempotency_key") {
        return Ok(None);
    }
    // A fault elsewhere in the arguments is told when they are bound.
    match serde_json::from_str(&call.kwargs).map(|Keyed { idempotency_key: key }| key) {
        Ok(Value::Null) | Err(_) => Ok(None),
        Ok(Value::String(key)) if (1..=MAX_KEY).contains(&key.len()) => Ok(Some(key)),
        Ok(_) => Err(CallError::invalid_argument(format!(
            "`idempotency_key` must be a text of 1 to {MAX_KEY} bytes"
        ))),
    }
}

/// An answer as it is stored, so that the same call, repeated, is answered alike.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FirstAnswer {
    Result(Box<RawValue>),
    Error { uri: String, args: Vec<Value>, kwargs: Map<String, Value> },
}

impl FirstAnswer {
    /// The answer's stored form. Faults of the service are not remembered: a repetition may do
    /// better.
    pub(crate) fn write(outcome: &CallResult<String>) -> Option<String> {
        let answer = match outcome {
            Ok(answer) => Self::Result(RawValue::from_string(answer.clone()).ok()?),
            Err(error) if is_fault(error) => return None,
            Err(error) => Self::Error {
                uri: error.uri().to_owned(),
                args: error.args().to_vec(),
                kwargs: error.kwargs().clone(),
            },
        };
        serde_json::to_string(&answer).ok()
    }

    pub(crate) fn read(stored: &str) -> CallResult<String> {
        match serde_json::from_str(stored)? {
            Self::Result(answer) => Ok(answer.get().to_owned()),
            Self::Error { uri, args, kwargs } => {
                Err(CallError::from_parts(uri.into(), args, kwargs))
            }
        }
    }
}

fn is_fault(error: &CallError) -> bool {
    matches!(error.uri(), "wamp.error.runtime_error" | "wamp.error.unavailable")
}

//! The procedures that every simulation has.

use std::collections::HashMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use sim_games_types::Resource;

use crate::args::bind;
use crate::call::CallData;
use crate::error::{CallError, CallResult};
use crate::game::{Method, Turn};
use crate::handler::BoxFuture;
use crate::handlers::Procedure;
use crate::uri::{SCOPES, lies_in_a_run};

mod game;
mod notice;
mod phase;
mod reading;
mod round;
pub(crate) mod seating;

/// The topics of scopes on which browsers tell the engine that they are there.
pub(crate) const FROM_BROWSERS: [&str; 2] = ["connected", "disconnected"];

type Reader = fn(&CallData) -> CallResult<String>;
type Writer = fn(Arc<CallData>) -> BoxFuture<CallResult<String>>;

/// The procedures of all kinds of scopes.
pub(crate) fn methods() -> HashMap<(Resource, String), Method> {
    let mut methods = HashMap::new();
    let mut add = |resource: Resource, name: &str, method: Method| {
        methods.insert((resource, name.to_owned()), method);
    };
    for resource in SCOPES {
        let everywhere = if lies_in_a_run(resource) { reading::IN_RUNS } else { reading::OUTSIDE };
        for (name, reader) in everywhere {
            add(resource, name, read_only(*reader));
        }
    }
    for (resource, name, reader) in reading::ON_SOME.iter().chain(game::READING) {
        add(*resource, name, read_only(*reader));
    }
    let in_runs = phase::ALL.iter().chain(round::ALL).chain(seating::ALL).chain(notice::ALL);
    for (resource, name, writer) in in_runs.chain(game::WRITING) {
        let turn = if *resource == Resource::Run { Turn::WholeRun } else { Turn::Own };
        let writer = *writer;
        let procedure: Procedure = Arc::new(writer);
        add(*resource, name, Method { procedure, access: None, turn });
    }
    methods
}

fn read_only(reader: Reader) -> Method {
    let procedure: Procedure = Arc::new(move |call| Box::pin(async move { reader(&call) }));
    Method { procedure, access: None, turn: Turn::None }
}

fn arguments<T: DeserializeOwned>(call: &CallData) -> CallResult<T> {
    bind(&call.call.args, &call.call.kwargs)
        .map_err(|error| CallError::invalid_argument(error.to_string()))
}

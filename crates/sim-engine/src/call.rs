//! One call while it is handled: where it goes, who makes it, what it carries and what it stages.

use std::sync::{Arc, Mutex};

use sim_games_types::{Resource, RunUser, Stored, UserPk};

use crate::engine::Inner;
use crate::error::{CallError, CallResult};
use crate::game::Game;
use crate::model::{LoadedRun, Model};
use crate::stage::Stage;
use crate::sync::{lock, read};
use crate::tree::{Entry, Owner};

/// Who is on the other end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The session's id.
    pub session: u64,
    /// The user who logged in; none for an anonymous session.
    pub user: Option<UserPk>,
    /// Whether the user operates the service.
    pub operator: bool,
}

/// A call as it arrives.
#[derive(Clone, Debug)]
pub struct Call {
    /// The procedure's full URI.
    pub uri: Arc<str>,
    /// Who calls.
    pub peer: Peer,
    /// Positional arguments: a JSON array.
    pub args: Arc<str>,
    /// Keyword arguments: a JSON object.
    pub kwargs: Arc<str>,
}

/// Everything the extractors of one call draw from. A call that is run again gets a new one.
#[derive(Debug)]
pub(crate) struct CallData {
    pub(crate) game: Arc<Game>,
    pub(crate) model: Arc<Model>,
    pub(crate) run: Arc<LoadedRun>,
    /// The scope called, as it stood when the call came to its turn.
    pub(crate) scope: Arc<Stored>,
    pub(crate) owner: Owner,
    /// The caller's membership in the run.
    pub(crate) member: Entry<RunUser>,
    pub(crate) call: Call,
    pub(crate) stage: Mutex<Stage>,
}

impl CallData {
    /// Finds the scope for a caller who may see it.
    ///
    /// A scope that does not exist and one that the caller may not see give the same answer.
    pub(crate) fn resolve(
        inner: &Inner,
        call: &Call,
        resource: Resource,
        pk: i64,
    ) -> CallResult<Self> {
        let model = &inner.model;
        let find = || {
            let run = model.run_with(resource, pk)?;
            let tree = read(&run.tree);
            let member = tree.member(call.peer.user?)?.entry.clone();
            let owner = tree.owner(resource, pk)?;
            let scope = tree.find(resource, pk)?.clone();
            let visible = tree.visible(owner, &member);
            drop(tree);
            visible.then(|| Self {
                game: inner.game.clone(),
                model: model.clone(),
                run,
                scope,
                owner,
                member,
                call: call.clone(),
                stage: Mutex::default(),
            })
        };
        find().ok_or_else(CallError::forbidden)
    }

    pub(crate) fn pk(&self) -> i64 {
        self.scope.record.pk()
    }

    pub(crate) fn resource(&self) -> Resource {
        self.scope.record.resource()
    }

    pub(crate) fn require_leader(&self) -> CallResult<()> {
        if self.member.leader { Ok(()) } else { Err(CallError::forbidden()) }
    }

    /// What the call stages, as a unit that also relies on the caller's membership.
    pub(crate) fn take_stage(&self) -> Stage {
        let mut stage = std::mem::take(&mut *lock(&self.stage));
        stage.rely_on(self.member.stored());
        stage
    }

    /// The run's own object, on which the call relies from now on.
    pub(crate) fn rely_on_run(&self) -> Entry<sim_games_types::Run> {
        let run = read(&self.run.tree).run().clone();
        lock(&self.stage).rely_on(run.stored());
        run
    }
}

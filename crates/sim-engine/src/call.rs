//! One call while it is handled: where it goes, who makes it, what it carries and what it stages.

use std::sync::{Arc, Mutex};

use sim_games_types::{Fields, Object, Phase, Resource, Run, RunPk, RunUser, Stored, UserPk};

use crate::error::{CallError, CallResult};
use crate::game::Game;
use crate::identity::Request;
use crate::inner::Inner;
use crate::model::{LoadedRun, Model};
use crate::stage::{Key, Stage};
use crate::sync::{lock, read};
use crate::tree::{Entry, Owner};
use crate::work::Deed;

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
    /// Which message of the caller's session it is; none for what the service does by itself.
    pub request: Option<Request>,
    /// Positional arguments: a JSON array.
    pub args: Arc<str>,
    /// Keyword arguments: a JSON object.
    pub kwargs: Arc<str>,
}

impl Call {
    /// What the service itself does, with a cause for people who read the audit log, and with whoever
    /// asked for it.
    pub(crate) fn of_service(cause: &str, by: Option<UserPk>) -> Self {
        let peer = Peer { session: 0, user: by, operator: true };
        let (args, kwargs) = ("[]".into(), "{}".into());
        Self { uri: cause.into(), peer, request: None, args, kwargs }
    }
}

/// Whose rows a call may write: those that its turn keeps others from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// None.
    Nothing,
    /// The game itself, its phases and roles, and whatever is new.
    Game,
    /// All of a run.
    Run(RunPk),
    /// What belongs to an owner within a run.
    Lane(RunPk, Owner),
}

/// Where a scope lies within a run.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) run: Arc<LoadedRun>,
    pub(crate) owner: Owner,
}

/// Everything the extractors of one call draw from. A call that is run again gets a new one.
#[derive(Clone, Debug)]
pub(crate) struct CallData {
    pub(crate) game: Arc<Game>,
    pub(crate) model: Arc<Model>,
    /// The scope called, as it stood when the call came to its turn.
    pub(crate) scope: Arc<Stored>,
    /// Where it lies; nowhere for the game, its phases and roles.
    pub(crate) place: Option<Place>,
    /// The caller's membership in the run; none when the service itself acts, or outside of runs.
    pub(crate) member: Option<Entry<RunUser>>,
    pub(crate) call: Call,
    pub(crate) reach: Reach,
    /// Shared by all that one call sets off.
    pub(crate) stage: Arc<Mutex<Stage>>,
}

impl CallData {
    /// Finds the scope for a caller who may see it.
    ///
    /// A scope that does not exist and one that the caller may not see give the same answer.
    pub(crate) fn resolve(inner: &Inner, call: &Call, key: Key) -> CallResult<Self> {
        let found = match key.0 {
            Resource::Game | Resource::Phase | Resource::Role => Self::of_game(inner, call, key),
            _ => Self::in_run(inner, call, key),
        };
        found.ok_or_else(CallError::forbidden)
    }

    fn of_game(inner: &Inner, call: &Call, (resource, pk): Key) -> Option<Self> {
        let user = call.peer.user;
        if !call.peer.operator && !user.is_some_and(|user| inner.model.is_member(user)) {
            return None;
        }
        let game = read(&inner.model.game);
        let scope = match resource {
            Resource::Phase => game.phases.get(&pk.into())?.stored().clone(),
            Resource::Role => game.roles.get(&pk.into())?.stored().clone(),
            _ => game.game.as_ref()?.stored().clone(),
        };
        drop(game);
        Some(Self::new(inner, call, scope, None, None))
    }

    fn in_run(inner: &Inner, call: &Call, (resource, pk): Key) -> Option<Self> {
        let run = inner.model.run_with(resource, pk)?;
        let tree = read(&run.tree);
        let member = tree.member(call.peer.user?)?.entry.clone();
        let owner = tree.owner(resource, pk)?;
        let scope = tree.find(resource, pk)?.clone();
        let visible = tree.visible(owner, &member);
        drop(tree);
        visible.then(|| Self::new(inner, call, scope, Some(Place { run, owner }), Some(member)))
    }

    /// A scope for what the service itself does there.
    pub(crate) fn of_service(inner: &Inner, deed: &Deed<'_>) -> Option<Self> {
        let call = Call::of_service(deed.cause, deed.by);
        let Some(Place { run, .. }) = &deed.place else {
            return Self::of_game(inner, &call, deed.key);
        };
        let (resource, pk) = deed.key;
        let tree = read(&run.tree);
        let (owner, scope) = (tree.owner(resource, pk)?, tree.find(resource, pk)?.clone());
        drop(tree);
        let place = Some(Place { run: run.clone(), owner });
        Some(Self::new(inner, &call, scope, place, None))
    }

    fn new(
        inner: &Inner,
        call: &Call,
        scope: Arc<Stored>,
        place: Option<Place>,
        member: Option<Entry<RunUser>>,
    ) -> Self {
        Self {
            game: inner.game.clone(),
            model: inner.model.clone(),
            scope,
            place,
            member,
            call: call.clone(),
            reach: Reach::Nothing,
            stage: Arc::default(),
        }
    }

    /// The same call, acting on another scope of its run.
    pub(crate) fn on(&self, scope: Arc<Stored>) -> CallResult<Self> {
        let key = (scope.record.resource(), scope.record.pk());
        let run = self.loaded_run()?.clone();
        let owner = read(&run.tree).owner(key.0, key.1).ok_or_else(CallError::forbidden)?;
        Ok(Self { scope, place: Some(Place { run, owner }), ..self.clone() })
    }

    /// The same call, as if a member of the run had made it with these positional arguments.
    pub(crate) fn as_member(&self, member: Entry<RunUser>, args: Arc<str>) -> Self {
        let call = Call { args, ..self.call.clone() };
        Self { member: Some(member), call, ..self.clone() }
    }

    pub(crate) fn key(&self) -> Key {
        (self.scope.record.resource(), self.scope.record.pk())
    }

    pub(crate) fn owner(&self) -> Option<Owner> {
        self.place.as_ref().map(|place| place.owner)
    }

    pub(crate) fn loaded_run(&self) -> CallResult<&Arc<LoadedRun>> {
        self.place.as_ref().map(|place| &place.run).ok_or_else(CallError::forbidden)
    }

    pub(crate) fn member(&self) -> CallResult<&Entry<RunUser>> {
        self.member.as_ref().ok_or_else(CallError::forbidden)
    }

    pub(crate) fn require_leader(&self) -> CallResult<()> {
        if self.member()?.leader { Ok(()) } else { Err(CallError::forbidden()) }
    }

    /// What the call stages, which also relies on the caller's membership.
    pub(crate) fn take_stage(&self) -> Stage {
        let mut stage = std::mem::take(&mut *lock(&self.stage));
        if let Some(member) = &self.member {
            stage.rely_on(member.stored());
        }
        stage
    }

    /// Stages new values for some fields of the scope that is called.
    pub(crate) fn change_scope(&self, fields: Fields) -> CallResult<()> {
        let mut stage = lock(&self.stage);
        stage.rely_on(&self.scope);
        stage.change(&self.scope, fields).map(drop)
    }

    /// The run's own object, on which the call relies from now on.
    pub(crate) fn rely_on_run(&self) -> CallResult<Entry<Run>> {
        let run = read(&self.loaded_run()?.tree).run().clone();
        let staged = lock(&self.stage).row((Resource::Run, run.id.0)).cloned().flatten();
        let run = staged.as_ref().and_then(Entry::new).unwrap_or(run);
        lock(&self.stage).rely_on(run.stored());
        Ok(run)
    }

    /// The phase in which the call's run is, on which the call relies from now on.
    pub(crate) fn phase(&self) -> CallResult<Option<Phase>> {
        Ok(self.phase_of(&*self.rely_on_run()?))
    }

    pub(crate) fn phase_of(&self, run: &Run) -> Option<Phase> {
        let game = read(&self.model.game);
        run.phase.and_then(|pk| game.phases.get(&pk)).map(|phase| (**phase).clone())
    }

    /// Refuses to write what the call's turn does not keep others from.
    pub(crate) fn may_write(
        &self,
        run: Option<&Arc<LoadedRun>>,
        (resource, pk): Key,
    ) -> CallResult<()> {
        if pk < 0 {
            return Ok(());
        }
        let within = match (self.reach, run) {
            (Reach::Game, None) => true,
            (Reach::Run(own), Some(run)) => read(&run.tree).run().pk() == own,
            (Reach::Lane(own, lane), Some(run)) => {
                let tree = read(&run.tree);
                tree.run().pk() == own
                    && tree.owner(resource, pk).is_some_and(|it| tree.reaches(lane, it))
            }
            _ => false,
        };
        if within {
            return Ok(());
        }
        let (own, own_pk) = self.key();
        Err(CallError::internal(format!(
            "a call on {own} {own_pk} may not write {resource} {pk}: declare the procedure with \
             `whole_run()`, or put it on a scope that reaches so far"
        )))
    }
}

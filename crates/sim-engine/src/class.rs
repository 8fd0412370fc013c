//! The class around the runs: who joins and who leads, and what leaders do beyond one run.
//!
//! Nobody calls these through the realm: whoever lets people do them must know who asks, and
//! [`Engine::led_runs`] tells what a person leads.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sim_games_types::{
    Fields, Operation, Resource, Run, RunPk, RunUserPk, Target, UnitOfWork, UserPk,
};

use crate::builtin::seating::{enrol, found, take_invitation, take_seat};
use crate::call::CallData;
use crate::engine::Engine;
use crate::error::{CallError, CallResult};
use crate::handler::BoxFuture;
use crate::model::LoadedRun;
use crate::sync::read;
use crate::work::{Deed, not_saved, on_own_account, visible};

/// A run that somebody wants to lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// Its name; others may have the same.
    pub name: String,
    /// The names of its worlds.
    pub worlds: Vec<String>,
    /// Who leads it.
    pub leader: UserPk,
}

/// Somebody who gets a place in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrant {
    /// The user.
    pub user: UserPk,
    /// The name of the world, which is made when there is none; without it the first free seat.
    pub world: Option<String>,
    /// The name of the role; without it one that is free in the world.
    pub role: Option<String>,
    /// Whether the account was made for this, so that the person has no password yet.
    pub invited: bool,
}

/// What became of the people who got a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// How many are new in the run.
    pub added: usize,
    /// How many had another world or role before.
    pub moved: usize,
    /// How many were there already.
    pub kept: usize,
    /// How many worlds were made.
    pub worlds: usize,
}

impl Engine {
    /// The name of the active run that a join code opens.
    pub async fn run_of_code(&self, code: &str) -> Option<String> {
        let run = self.inner.opened(code).await?;
        let tree = read(&run.tree);
        Some(tree.run().name.clone())
    }

    /// Gives a user the first free seat of the run that a join code opens; one who has a seat there
    /// keeps it.
    ///
    /// # Errors
    /// *Not found* when the code opens no run, *conflict* when all seats are taken, *unavailable*
    /// when it cannot be saved now.
    pub async fn take_seat(&self, code: &str, user: UserPk) -> CallResult<()> {
        let run = self.opened(code).await?;
        let (cause, code) = (format!("{user} joins"), code.to_owned());
        self.on_run(&run, &cause, user, move |data| take_seat(&data, &code, user)).await.map(drop)
    }

    /// Whether the run that a join code opens holds a seat for this address whose account nobody
    /// has used yet.
    pub async fn is_invited(&self, code: &str, email: &str) -> Option<UserPk> {
        let run = self.inner.opened(code).await?;
        let tree = read(&run.tree);
        let mut members = tree.runusers().map(|node| &node.entry);
        let invited = members.find(|it| it.email.eq_ignore_ascii_case(email))?;
        invited.data.get(crate::builtin::seating::INVITED).is_some().then_some(invited.user)
    }

    /// Takes the invitation of a user who has a password from now on.
    ///
    /// # Errors
    /// *Conflict* when somebody else took it before, else as [`Self::take_seat`].
    pub async fn take_invitation(&self, code: &str, user: UserPk) -> CallResult<()> {
        let run = self.opened(code).await?;
        let cause = format!("{user} takes an invitation");
        self.on_run(&run, &cause, user, move |data| take_invitation(&data, user)).await.map(drop)
    }

    /// The memberships of a user in runs that are in memory or rest, in the order of the runs.
    #[must_use]
    pub fn seats(&self, user: UserPk) -> Vec<(RunPk, RunUserPk)> {
        self.inner.model.seats(user)
    }

    /// The names of the game's roles.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        read(&self.inner.model.game).roles.values().map(|role| role.name.clone()).collect()
    }

    /// The game's runs that a user leads, active or not, in the order of their keys.
    ///
    /// # Errors
    /// *Unavailable* when the game is not installed yet, or the store cannot be read now.
    pub async fn led_runs(&self, user: UserPk) -> CallResult<Vec<Run>> {
        let game = read(&self.inner.model.game).game.as_ref().map(|game| game.id);
        let unavailable = || CallError::unavailable("the game is not installed yet, try again");
        let game = game.ok_or_else(unavailable)?;
        self.inner.store.led_runs(game, user).await.map_err(not_saved)
    }

    /// Makes a run in the game's first phase, with worlds in which nobody has a seat yet.
    ///
    /// # Errors
    /// *Invalid argument* when the store does not take a name, *unavailable* when it cannot be saved
    /// now.
    pub async fn create_run(&self, run: NewRun) -> CallResult<RunPk> {
        let cause = format!("{} opens a run", run.leader);
        let (key, by) = ((Resource::Game, 0), Some(run.leader));
        let deed = Deed { place: None, key, whole_run: false, cause: &cause, by };
        let act = move |data: Arc<CallData>| -> BoxFuture<CallResult<String>> {
            let run = run.clone();
            Box::pin(async move { found(&data, &run) })
        };
        let pk: i64 = serde_json::from_str(&on_own_account(&self.inner, &deed, act).await?)?;
        Ok(RunPk(pk))
    }

    /// Activates a run, or deactivates it: then nobody plays in it until it is activated again.
    ///
    /// # Errors
    /// *Unavailable* when it cannot be saved now.
    pub async fn set_active(&self, run: RunPk, active: bool, by: UserPk) -> CallResult<()> {
        let word = if active { "activates" } else { "deactivates" };
        let fields = Fields::from_iter([("active".to_owned(), active.into())]);
        let (resource, pk) = (Resource::Run, Target::Pk(run.0));
        let unit = UnitOfWork {
            actor: Some(by),
            cause: Some(format!("{by} {word} run {run}")),
            operations: vec![Operation::Change { resource, pk, fields }],
            ..UnitOfWork::default()
        };
        let committed = self.inner.store.commit(unit, None).await.map_err(not_saved)?;
        visible(&self.inner, committed.seq).await
    }

    /// Gives people places in a run that is active: all of them, or nobody.
    ///
    /// # Errors
    /// *Not found* when the run is not active, *invalid argument* when there is no such role or
    /// somebody leads the run, *unavailable* when it cannot be saved now.
    pub async fn enrol(
        &self,
        run: RunPk,
        by: UserPk,
        entrants: Vec<Entrant>,
    ) -> CallResult<Enrolled> {
        self.inner.model.wakes.wake(run).await?;
        let loaded = self.inner.model.run(run).filter(|it| read(&it.tree).run().active);
        let asleep = || CallError::not_found("the run is not active, activate it first");
        let loaded = loaded.ok_or_else(asleep)?;
        let cause = format!("{by} enrols people");
        let done = self.on_run(&loaded, &cause, by, move |data| enrol(&data, &entrants)).await?;
        Ok(serde_json::from_str(&done)?)
    }

    async fn opened(&self, code: &str) -> CallResult<Arc<LoadedRun>> {
        let unknown = || CallError::not_found("this code opens no run");
        self.inner.opened(code).await.ok_or_else(unknown)
    }

    /// Does something to a run as a whole, for somebody who asked for it.
    async fn on_run(
        &self,
        run: &Arc<LoadedRun>,
        cause: &str,
        by: UserPk,
        act: impl Fn(Arc<CallData>) -> CallResult<String> + Clone + Send + 'static,
    ) -> CallResult<String> {
        let act = move |data: Arc<CallData>| -> BoxFuture<CallResult<String>> {
            let act = act.clone();
            Box::pin(async move { act(data) })
        };
        on_own_account(&self.inner, &Deed::on_run(run, cause, by), act).await
    }
}

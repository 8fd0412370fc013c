//! A whole service for one game, in one value.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use serde_json::json;
use sim::prelude::*;
use sim::types::{
    Committed, GamePk, PeriodPk, Record, Reference, Resource, RunPk, ScenarioPk, UnitOfWork,
    UserPk, WorldPk,
};
use sim::wamp::Limits;
use sim::{Core, CoreConfig, GamesApi, Played};
use sim_games_server::Options;
use tempfile::TempDir;

use crate::errors::Errors;
use crate::player::TestPlayer;
use crate::setup::{Rows, skeleton, world};

const REALM: &str = "test";
const ROOT: &str = "test.root";

/// What a test starts with.
#[derive(Clone, Debug)]
pub struct Builder {
    game: Game,
    phases: Vec<String>,
    worlds: usize,
}

impl Builder {
    /// The phases, in their order; the run starts in the first.
    #[must_use]
    pub fn phases(mut self, names: &[&str]) -> Self {
        self.phases = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// How many worlds there are.
    #[must_use]
    pub fn worlds(mut self, count: usize) -> Self {
        self.worlds = count;
        self
    }

    /// Starts the service and makes the rows.
    ///
    /// # Errors
    /// When the game is declared wrongly, or the temporary directory cannot be written.
    pub async fn start(self) -> Result<TestGame> {
        let errors = Errors::collect();
        let dir = TempDir::new()?;
        let api = GamesApi::open(Options::new(dir.path().join("test.sqlite3"))).await?;
        let config = CoreConfig {
            realm: REALM.to_owned(),
            legacy_auth: false,
            load: sim::Runs::Active,
            limits: Limits::default(),
        };
        let mut rows = Rows::default();
        let made = skeleton(&mut rows, self.game.slug(), &self.phases);
        let worlds: Vec<_> =
            (1..=self.worlds).map(|number| world(&mut rows, made.run, number)).collect();
        let committed = api.commit(rows.into_unit()).await?;
        let pk = |reference: Reference| committed.references[&reference];
        let played = Played { game: self.game, root_topic: ROOT.to_owned() };
        let core = Core::start(api, config, vec![played]).await?;
        core.installed().await;
        Ok(TestGame {
            core,
            game: pk(made.game).into(),
            run: pk(made.run).into(),
            leader: pk(made.leader).into(),
            worlds: worlds.iter().map(|(world, it)| (pk(*world).into(), pk(*it).into())).collect(),
            players: AtomicUsize::new(0),
            errors,
            _dir: dir,
        })
    }
}

/// A whole service for one game, on a database of its own that ends with the value.
///
/// A test fails when the value is dropped after the service has logged an error, for example
/// because a handler panicked, unless it said that it [expects errors](Self::expect_errors).
#[derive(Debug)]
pub struct TestGame {
    core: Core,
    game: GamePk,
    run: RunPk,
    leader: UserPk,
    worlds: Vec<(WorldPk, ScenarioPk)>,
    players: AtomicUsize,
    errors: Errors,
    _dir: TempDir,
}

impl TestGame {
    /// A test with other phases or more worlds than usual.
    #[must_use]
    pub fn builder(game: Game) -> Builder {
        Builder { game, phases: vec!["Play".to_owned(), "Debrief".to_owned()], worlds: 1 }
    }

    /// Starts with the phases Play and Debrief and one world.
    ///
    /// # Errors
    /// When the game is declared wrongly, or the temporary directory cannot be written.
    pub async fn start(game: Game) -> Result<Self> {
        Self::builder(game).start().await
    }

    /// Lets the test pass although the service logs errors.
    pub fn expect_errors(&mut self) {
        self.errors.expect();
    }

    /// The errors that the service has logged, one per line.
    #[must_use]
    pub fn logged_errors(&self) -> String {
        self.errors.logged()
    }

    /// The parts behind the harness.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// The run, as a scope.
    #[must_use]
    pub fn run(&self) -> (Resource, i64) {
        (Resource::Run, self.run.0)
    }

    /// A new player with a role, in the first world.
    ///
    /// # Errors
    /// When the player cannot be stored or cannot join.
    pub async fn player(&self, role: &str) -> Result<TestPlayer> {
        self.player_in(1, role).await
    }

    /// A new player with a role, in the world of this number (from 1).
    ///
    /// # Errors
    /// When there is no such world, or the player cannot be stored or cannot join.
    pub async fn player_in(&self, number: usize, role: &str) -> Result<TestPlayer> {
        let (world, _) = self.world(number)?;
        let index = self.players.fetch_add(1, Ordering::Relaxed) + 1;
        let mut rows = Rows::default();
        let key = json!({"game": self.game, "name": role});
        let role = rows.ensure(Resource::Role, key, json!({}));
        let key = json!({"email": format!("p{index}@test.example")});
        let user = rows.ensure(Resource::User, key, json!({}));
        let key = json!({"user": user.to_value(), "run": self.run});
        let defaults = json!({"role": role.to_value(), "world": world});
        let member = rows.ensure(Resource::RunUser, key, defaults);
        let committed = self.commit(rows.into_unit()).await?;
        let own = [(Resource::World, world.0), (Resource::RunUser, committed.references[&member])];
        TestPlayer::join(&self.core, REALM, ROOT, committed.references[&user].into(), &own).await
    }

    /// The leader of the run, who follows the run and all worlds.
    ///
    /// # Errors
    /// When the leader cannot join.
    pub async fn leader(&self) -> Result<TestPlayer> {
        let worlds = self.worlds.iter().map(|(world, _)| (Resource::World, world.0));
        let topics: Vec<_> = [self.run()].into_iter().chain(worlds).collect();
        TestPlayer::join(&self.core, REALM, ROOT, self.leader, &topics).await
    }

    /// A user who is no member of the run.
    ///
    /// # Errors
    /// When the user cannot be stored or cannot join.
    pub async fn outsider(&self) -> Result<TestPlayer> {
        let mut rows = Rows::default();
        let key = json!({"email": "outsider@test.example"});
        let user = rows.ensure(Resource::User, key, json!({}));
        let committed = self.commit(rows.into_unit()).await?;
        TestPlayer::join(&self.core, REALM, ROOT, committed.references[&user].into(), &[]).await
    }

    /// Stores something past the game, as a REST client would, and waits until it is seen.
    ///
    /// # Errors
    /// When the store refuses it.
    pub async fn commit(&self, unit: UnitOfWork) -> Result<Committed> {
        let committed = self.api()?.commit(unit).await?;
        self.core.reached(committed.seq).await;
        Ok(committed)
    }

    /// A period of the first world's scenario, as a scope.
    ///
    /// # Errors
    /// When there is no period of this order.
    pub async fn period(&self, order: i64) -> Result<(Resource, i64)> {
        self.period_in(1, order).await
    }

    /// A period of a world's scenario, as a scope.
    ///
    /// # Errors
    /// When there is no such world, or no period of this order.
    pub async fn period_in(&self, number: usize, order: i64) -> Result<(Resource, i64)> {
        let (_, scenario) = self.world(number)?;
        let periods = self.stored::<Period>().await?;
        let period = periods.iter().find(|it| it.scenario == scenario && it.order == order);
        let period = period.with_context(|| format!("world {number} has no period {order}"))?;
        Ok((Resource::Period, period.id.0))
    }

    /// The decisions that the store holds for a period.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn decisions(&self, (_, period): (Resource, i64)) -> Result<Vec<Decision>> {
        let mut decisions = self.stored::<Decision>().await?;
        decisions.retain(|decision| decision.period == PeriodPk(period));
        Ok(decisions)
    }

    /// The results that the store holds for a period.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn results(&self, (_, period): (Resource, i64)) -> Result<Vec<Outcome>> {
        let mut results = self.stored::<Outcome>().await?;
        results.retain(|result| result.period == PeriodPk(period));
        Ok(results)
    }

    /// All objects of one resource in the run, as the store holds them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn stored<T: Object>(&self) -> Result<Vec<T>> {
        let snapshot = self.api()?.load_run(self.run).await?.context("the run is gone")?;
        let records = snapshot.objects.iter().map(|stored| &stored.record);
        Ok(records.filter_map(|record: &Record| T::from_record(record).cloned()).collect())
    }

    fn api(&self) -> Result<&GamesApi> {
        self.core.api().context("the games are stored elsewhere")
    }

    fn world(&self, number: usize) -> Result<(WorldPk, ScenarioPk)> {
        let index = number.checked_sub(1).context("worlds are counted from 1")?;
        self.worlds.get(index).copied().with_context(|| format!("there is no world {number}"))
    }
}

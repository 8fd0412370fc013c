//! A whole service for one game, in one value.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sim::prelude::*;
use sim::types::{
    Committed, GamePk, Operation, PeriodPk, Record, Reference, Resource, RunPk, ScenarioPk, Target,
    UnitOfWork, UserPk, WorldPk,
};
use sim::{Core, CoreConfig, GamesApi, Played, RouterConfig};
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
            router: RouterConfig::default(),
            figures: None,
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

    /// The world of this number (from 1), as a scope.
    ///
    /// # Errors
    /// When there is no such world.
    pub fn world_scope(&self, number: usize) -> Result<(Resource, i64)> {
        Ok((Resource::World, self.world(number)?.0.0))
    }

    /// A new player with a role, in the first world.
    ///
    /// # Errors
    /// When the player cannot be stored or cannot join.
    pub async fn player(&self, role: &str) -> Result<TestPlayer> {
        self.player_in(1, role).await
    }

    /// A new player with a role, in the world of this number (from 1). Several players of a world
    /// may have the same role.
    ///
    /// # Errors
    /// When there is no such world, or the player cannot be stored or cannot join.
    pub async fn player_in(&self, number: usize, role: &str) -> Result<TestPlayer> {
        let (world, _) = self.world(number)?;
        self.newcomer(Some(world), Some(role)).await
    }

    /// A new player without a world and a role, as in games for one.
    ///
    /// # Errors
    /// When the player cannot be stored or cannot join.
    pub async fn solo_player(&self) -> Result<TestPlayer> {
        self.newcomer(None, None).await
    }

    async fn newcomer(&self, world: Option<WorldPk>, role: Option<&str>) -> Result<TestPlayer> {
        let index = self.players.fetch_add(1, Ordering::Relaxed) + 1;
        let mut rows = Rows::default();
        let role = role.map(|name| {
            let key = json!({"game": self.game, "name": name});
            rows.ensure(Resource::Role, key, json!({})).to_value()
        });
        let key = json!({"email": format!("p{index}@test.example")});
        let user = rows.ensure(Resource::User, key, json!({}));
        let key = json!({"user": user.to_value(), "run": self.run});
        let member = rows.ensure(Resource::RunUser, key, json!({"role": role, "world": world}));
        let committed = self.commit(rows.into_unit()).await?;
        let pk = |reference| committed.references[&reference];
        let follow: Vec<_> = world.iter().map(|world| (Resource::World, world.0)).collect();
        let who = (pk(user).into(), Some(pk(member).into()));
        let player = TestPlayer::join(&self.core, REALM, ROOT, who, &follow).await?;
        // What the game prepares for a newcomer is there from now on.
        self.settled().await;
        Ok(player)
    }

    /// The leader of the run, who follows the run and all worlds.
    ///
    /// # Errors
    /// When the leader cannot join.
    pub async fn leader(&self) -> Result<TestPlayer> {
        let worlds = self.worlds.iter().map(|(world, _)| (Resource::World, world.0));
        let topics: Vec<_> = [self.run()].into_iter().chain(worlds).collect();
        TestPlayer::join(&self.core, REALM, ROOT, (self.leader, None), &topics).await
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
        let who = (committed.references[&user].into(), None);
        TestPlayer::join(&self.core, REALM, ROOT, who, &[]).await
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

    /// Changes fields of an object past the game, as a REST client would; `data` is replaced as a
    /// whole.
    ///
    /// # Errors
    /// When the store refuses it.
    pub async fn change(&self, (resource, pk): (Resource, i64), fields: Value) -> Result<()> {
        let fields = serde_json::from_value(fields).context("fields are an object")?;
        let operations = vec![Operation::Change { resource, pk: Target::Pk(pk), fields }];
        self.commit(UnitOfWork { operations, ..UnitOfWork::default() }).await?;
        Ok(())
    }

    /// Waits until every hook has been called for what has happened so far.
    pub async fn settled(&self) {
        self.core.settled().await;
    }

    /// The first private scenario of a player, as a scope.
    ///
    /// # Errors
    /// When the player has none.
    pub async fn scenario_of(&self, player: &TestPlayer) -> Result<(Resource, i64)> {
        let (_, member) = player.runuser();
        let scenarios = self.stored::<Scenario>().await?;
        let own = scenarios.iter().find(|it| it.runuser.is_some_and(|owner| owner.0 == member));
        Ok((Resource::Scenario, own.context("the player has no private scenario")?.id.0))
    }

    /// The scenario of this name in the world of this number, as a scope.
    ///
    /// # Errors
    /// When there is none.
    pub async fn scenario_in(&self, number: usize, name: &str) -> Result<(Resource, i64)> {
        let (world, _) = self.world(number)?;
        let scenarios = self.stored::<Scenario>().await?;
        let found = scenarios.iter().find(|it| it.world == Some(world) && it.name == name);
        let found = found.with_context(|| format!("world {number} has no scenario `{name}`"))?;
        Ok((Resource::Scenario, found.id.0))
    }

    /// The period of this order in a scenario, as a scope.
    ///
    /// # Errors
    /// When the scenario has no such period.
    pub async fn period_of(
        &self,
        scenario: (Resource, i64),
        order: i64,
    ) -> Result<(Resource, i64)> {
        let periods = self.stored::<Period>().await?;
        let period = periods.iter().find(|it| it.scenario.0 == scenario.1 && it.order == order);
        let period = period.with_context(|| format!("{scenario:?} has no period {order}"))?;
        Ok((Resource::Period, period.id.0))
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
        self.period_of((Resource::Scenario, scenario.0), order).await
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

//! The service in which histories happen: a whole core on a database, which can be restarted.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sim::types::{Committed, Operation, Reference, Resource, Target, UnitOfWork};
use sim::wamp::{Incoming, Payload, Session};
use sim::{Core, CoreConfig, GamesApi, Played, RouterConfig, Runs};
use sim_test::StoreOptions;
use tempfile::TempDir;

use crate::rest::Rest;

pub(crate) const REALM: &str = "histories";
pub(crate) const ROOT: &str = "test.root";
/// The roles, of which the last takes no part.
pub(crate) const ROLES: [&str; 3] = ["Dividend", "Divisor", "Observer"];

/// Several changes, whose rows may refer to each other.
#[derive(Default)]
pub(crate) struct Unit {
    operations: Vec<Operation>,
    next: u32,
}

impl Unit {
    pub(crate) fn create(&mut self, resource: Resource, fields: Value) -> Reference {
        self.next += 1;
        let reference = Some(Reference(self.next));
        self.operations.push(Operation::Create { resource, fields: object(fields), reference });
        Reference(self.next)
    }

    pub(crate) fn change(resource: Resource, pk: i64, fields: Value) -> Self {
        let operation = Operation::Change { resource, pk: Target::Pk(pk), fields: object(fields) };
        Self { operations: vec![operation], next: 0 }
    }

    pub(crate) fn delete(resource: Resource, pk: i64) -> Self {
        Self { operations: vec![Operation::Delete { resource, pk: Target::Pk(pk) }], next: 0 }
    }

    pub(crate) fn one(operation: Operation) -> Self {
        Self { operations: vec![operation], next: 0 }
    }

    /// A scenario with its first period.
    pub(crate) fn scenario(&mut self, owner: Value) {
        let mut fields = object(owner);
        fields.insert("name".to_owned(), json!("Scenario"));
        let scenario = self.create(Resource::Scenario, Value::Object(fields)).to_value();
        self.create(Resource::Period, json!({"scenario": scenario, "order": 1}));
    }

    pub(crate) fn into_work(self) -> UnitOfWork {
        UnitOfWork { operations: self.operations, ..UnitOfWork::default() }
    }
}

fn object(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("fields must be an object, not `{other}`"),
    }
}

/// The keys of a history's first rows.
#[derive(Clone, Debug)]
pub(crate) struct Cast {
    pub(crate) run: i64,
    /// The leader, then five players, then two users who play in no run.
    pub(crate) users: Vec<i64>,
}

/// A service that outlives many histories.
pub(crate) struct Arena {
    dir: TempDir,
    core: Option<Core>,
    observer: Option<(Session, Incoming)>,
    rest: Option<Rest>,
    pub(crate) game: i64,
    pub(crate) roles: [i64; 3],
    phase: i64,
    /// How many histories have begun here.
    pub(crate) begun: u32,
}

impl Arena {
    pub(crate) async fn open() -> Result<Self> {
        // Nobody pulls the plug here: what lies in memory is durable enough.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { TempDir::new_in(memory)? } else { TempDir::new()? };
        let mut arena = Self {
            dir,
            core: None,
            observer: None,
            rest: None,
            game: 0,
            roles: [0; 3],
            phase: 0,
            begun: 0,
        };
        let api = arena.database().await?;
        let mut unit = Unit::default();
        let game = unit.create(Resource::Game, json!({"name": "Div", "slug": "div"}));
        let within = |name: &str| json!({"game": game.to_value(), "name": name});
        let roles = ROLES.map(|name| unit.create(Resource::Role, within(name)));
        let phases = ["Play", "Debrief"].into_iter().zip(1..).map(|(name, order)| {
            let mut fields = object(within(name));
            fields.insert("order".to_owned(), json!(order));
            Value::Object(fields)
        });
        let phases: Vec<_> = phases.map(|fields| unit.create(Resource::Phase, fields)).collect();
        let made = api.commit(unit.into_work()).await?;
        arena.game = made.references[&game];
        arena.roles = roles.map(|role| made.references[&role]);
        arena.phase = made.references[&phases[0]];
        arena.start(api).await?;
        Ok(arena)
    }

    async fn database(&self) -> Result<GamesApi> {
        Ok(GamesApi::open(StoreOptions::new(self.dir.path().join("games.sqlite3"))).await?)
    }

    async fn start(&mut self, api: GamesApi) -> Result<()> {
        let config = CoreConfig {
            realm: REALM.to_owned(),
            legacy_auth: false,
            load: Runs::Active,
            router: RouterConfig::default(),
            figures: None,
        };
        let game = div_game::game("div", div_game::Rules { step_periods: true });
        let played = Played { game, root_topic: ROOT.to_owned() };
        let core = Core::start(api, config, vec![played]).await?;
        core.installed().await;
        let observer =
            core.router().expect("it has a router").attach(REALM, "observer", "anonymous").await;
        self.observer = Some(observer.context("the observer could not join")?.split());
        let games = core.games_router().context("the games are embedded")?;
        self.rest = Some(Rest::log_in(games).await?);
        self.core = Some(core);
        Ok(())
    }

    /// Ends the service as on SIGTERM, and starts it over the same database.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.stop().await;
        let api = self.database().await?;
        self.start(api).await
    }

    pub(crate) async fn stop(&mut self) {
        (self.observer, self.rest) = (None, None);
        if let Some(core) = self.core.take() {
            core.stop().await;
        }
    }

    pub(crate) fn core(&self) -> &Core {
        self.core.as_ref().expect("a core runs between restarts")
    }

    pub(crate) fn rest(&self) -> &Rest {
        self.rest.as_ref().expect("it lives as long as the core")
    }

    pub(crate) fn api(&self) -> &GamesApi {
        self.core().api().expect("the games are embedded")
    }

    pub(crate) async fn store(&self, unit: Unit) -> Result<Committed> {
        Ok(self.api().commit(unit.into_work()).await?)
    }

    /// Waits until all that was stored is in the trees, its hooks called, its events delivered.
    pub(crate) async fn quiet(&self) -> Result<()> {
        let core = self.core();
        core.reached(self.api().last_seq().await?).await;
        core.settled().await;
        // A session that left is noted, and its leaving told, before a later call is answered.
        for _ in 0..2 {
            let (observer, _) = self.observer.as_ref().expect("it lives as long as the core");
            let ready = observer.call(&format!("{ROOT}.ready"), Payload::default()).await;
            let ready = ready.map_err(|error| anyhow::anyhow!("not ready: {error:?}"))?;
            if ready.args_json() != "[true]" {
                bail!("the game is not installed");
            }
        }
        Ok(())
    }

    /// Makes a run with a leader, and players in two worlds and in none.
    pub(crate) async fn begin(&mut self) -> Result<Cast> {
        self.begun += 1;
        let mut unit = Unit::default();
        let users: Vec<_> = (0..8)
            .map(|number| {
                let email = format!("u{number}@h{}.example", self.begun);
                unit.create(Resource::User, json!({"email": email, "first_name": "A"}))
            })
            .collect();
        let run = self.run(&mut unit, "default");
        let worlds = [self.world(&mut unit, run, 1), self.world(&mut unit, run, 2)];
        let member = |user: usize, role: Option<usize>, world: Option<usize>| {
            json!({"run": run.to_value(), "user": users[user].to_value(), "leader": user == 0,
                   "role": role.map(|it| self.roles[it]),
                   "world": world.map(|it| worlds[it].to_value())})
        };
        unit.create(Resource::RunUser, member(0, None, None));
        for (user, role, world) in [(1, 0, 0), (2, 1, 0), (3, 0, 1), (4, 1, 1)] {
            unit.create(Resource::RunUser, member(user, Some(role), Some(world)));
        }
        let lonely = unit.create(Resource::RunUser, member(5, Some(0), None));
        unit.scenario(json!({"runuser": lonely.to_value()}));
        let made = self.store(unit).await?;
        let pk = |reference: Reference| made.references[&reference];
        Ok(Cast { run: pk(run), users: users.into_iter().map(pk).collect() })
    }

    /// A second run, led by the leader of the first, in which two of its players play.
    pub(crate) fn second_run(&self, cast: &Cast) -> (Unit, Reference) {
        let mut unit = Unit::default();
        let run = self.run(&mut unit, "second");
        let world = self.world(&mut unit, run, 1);
        for (user, role) in [(0, None), (1, Some(0)), (6, Some(1))] {
            let world = (user != 0).then(|| world.to_value());
            let fields = json!({"run": run.to_value(), "user": cast.users[user],
                                "leader": user == 0, "world": world,
                                "role": role.map(|it: usize| self.roles[it])});
            unit.create(Resource::RunUser, fields);
        }
        (unit, run)
    }

    fn run(&self, unit: &mut Unit, name: &str) -> Reference {
        let fields = json!({"game": self.game, "name": name, "phase": self.phase});
        unit.create(Resource::Run, fields)
    }

    fn world(&self, unit: &mut Unit, run: Reference, number: usize) -> Reference {
        let name = format!("World {number}");
        let world = unit.create(Resource::World, json!({"run": run.to_value(), "name": name}));
        unit.scenario(json!({"world": world.to_value()}));
        world
    }
}

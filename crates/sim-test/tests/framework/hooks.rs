//! What a game is told about, and timers.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use sim::prelude::*;
use sim::types::{Operation, Resource, Target, UnitOfWork};
use sim_test::TestGame;

/// What hooks were called, in order.
#[derive(Default)]
struct Diary(Mutex<Vec<String>>);

impl Diary {
    fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }
}

type Notes = State<std::sync::Arc<Diary>>;

async fn newcomer(run: Scope<Run>, Newcomer(member): Newcomer, diary: Notes) -> CallResult<()> {
    diary.note(format!("newcomer {} in {}", member.email, run.name));
    let scenario = member.ensure::<Scenario>(json!({"name": "Private"}), ())?;
    scenario.ensure_period(1).map(drop)
}

async fn departed(_: Scope<Run>, Departed(member): Departed, diary: Notes) -> CallResult<()> {
    diary.note(format!("departed {}", member.email));
    Ok(())
}

async fn moved(Moved { member, from }: Moved, diary: Notes) -> CallResult<()> {
    diary.note(format!("moved {} {}", member.email, from != member.world));
    Ok(())
}

async fn new_world(NewWorld(world): NewWorld, diary: Notes) -> CallResult<()> {
    diary.note(format!("world {}", world.name));
    Ok(())
}

async fn activated(run: Scope<Run>, diary: Notes) -> CallResult<()> {
    diary.note(format!("activated {}", run.name));
    Ok(())
}

async fn deactivated(run: Scope<Run>, diary: Notes) -> CallResult<()> {
    diary.note(format!("deactivated {}", run.name));
    Ok(())
}

async fn started(mut scenario: Scope<Scenario>, diary: Notes) -> CallResult<()> {
    diary.note(format!("started {}", scenario.name));
    scenario.merge_data(json!({"ready": true}))
}

async fn stopped(scenario: Scope<Scenario>, diary: Notes) -> CallResult<()> {
    diary.note(format!("stopped {}", scenario.name));
    Ok(())
}

async fn connected(member: Scope<RunUser>, diary: Notes) -> CallResult<()> {
    diary.note(format!("connected {}", member.email));
    Ok(())
}

async fn disconnected(member: Scope<RunUser>, diary: Notes) -> CallResult<()> {
    diary.note(format!("disconnected {}", member.email));
    Ok(())
}

async fn observed(Happened(change): Happened, diary: Notes) -> CallResult<()> {
    diary.note(format!("observed {} {}", change.object.record.resource(), change.action));
    Ok(())
}

struct Told {
    test: TestGame,
    diary: std::sync::Arc<Diary>,
}

impl Told {
    async fn start(declare: impl FnOnce(Game) -> Game) -> Self {
        let diary = std::sync::Arc::new(Diary::default());
        let game = declare(Game::new("hooks").state(diary.clone()));
        Self { test: TestGame::start(game).await.unwrap(), diary }
    }

    /// What was noted since the last time, once every hook has been called.
    async fn notes(&self) -> Vec<String> {
        self.test.settled().await;
        std::mem::take(&mut *self.diary.0.lock().unwrap())
    }

    async fn delete(&self, (resource, pk): (Resource, i64)) {
        let operations = vec![Operation::Delete { resource, pk: Target::Pk(pk) }];
        self.test.commit(UnitOfWork { operations, ..UnitOfWork::default() }).await.unwrap();
    }

    async fn create(&self, resource: Resource, fields: Value) {
        let Value::Object(fields) = fields else { panic!("fields are an object") };
        let operations = vec![Operation::Create { resource, fields, reference: None }];
        self.test.commit(UnitOfWork { operations, ..UnitOfWork::default() }).await.unwrap();
    }
}

#[tokio::test]
async fn a_game_is_told_who_comes_moves_and_goes() {
    let run = Run::handlers()
        .on_runuser_created(newcomer)
        .on_runuser_moved(moved)
        .on_runuser_deleted(departed);
    let told = Told::start(|game| game.scope(run)).await;
    let player = told.test.player("Any").await.unwrap();
    assert_eq!(told.notes().await, ["newcomer p1@test.example in default"]);
    assert!(told.test.scenario_of(&player).await.is_ok());
    told.test.change(player.runuser(), json!({"world": null})).await.unwrap();
    assert_eq!(told.notes().await, ["moved p1@test.example true"]);
    told.test.change(player.runuser(), json!({"data": {"seen": 1}})).await.unwrap();
    assert!(told.notes().await.is_empty());
    told.delete(player.runuser()).await;
    assert_eq!(told.notes().await, ["departed p1@test.example"]);
}

#[tokio::test]
async fn a_game_is_told_of_worlds_and_of_runs_that_become_active_or_not() {
    let run = Run::handlers()
        .on_world_created(new_world)
        .on_activated(activated)
        .on_deactivated(deactivated);
    let told = Told::start(|game| game.scope(run)).await;
    let (_, pk) = told.test.run();
    told.create(Resource::World, json!({"run": pk, "name": "World 2"})).await;
    assert_eq!(told.notes().await, ["world World 2"]);
    told.test.change(told.test.run(), json!({"active": false})).await.unwrap();
    assert_eq!(told.notes().await, ["deactivated default"]);
    told.test.change(told.test.run(), json!({"active": true})).await.unwrap();
    assert_eq!(told.notes().await, ["activated default"]);
}

#[tokio::test]
async fn scopes_start_and_stop_and_may_write_when_they_start() {
    let scenarios = Scenario::handlers().on_start(started).on_stop(stopped);
    let told = Told::start(|game| game.scope(scenarios)).await;
    assert_eq!(told.notes().await, ["started World Scenario 1"]);
    let scenario = told.test.scenario_in(1, "World Scenario 1").await.unwrap();
    assert_eq!(told.test.stored::<Scenario>().await.unwrap()[0].data, json!({"ready": true}));
    told.delete(scenario).await;
    assert_eq!(told.notes().await, ["stopped World Scenario 1"]);
    let world = told.test.world_scope(1).unwrap().1;
    told.create(Resource::Scenario, json!({"world": world, "name": "Another"})).await;
    assert_eq!(told.notes().await, ["started Another"]);
    told.test.change(told.test.run(), json!({"active": false})).await.unwrap();
    assert_eq!(told.notes().await, ["stopped Another"]);
}

#[tokio::test]
async fn a_game_is_told_who_comes_online_and_who_goes() {
    let members = RunUser::handlers().on_connected(connected).on_disconnected(disconnected);
    let told = Told::start(|game| game.scope(members)).await;
    let player = told.test.player("Any").await.unwrap();
    player.call(player.runuser(), "get_scope", json!([])).await.unwrap();
    assert_eq!(told.notes().await, ["connected p1@test.example"]);
    player.leave().await;
    let leader = told.test.leader().await.unwrap();
    leader.call(told.test.run(), "get_scope", json!([])).await.unwrap();
    let notes = told.notes().await;
    assert!(notes.contains(&"disconnected p1@test.example".to_owned()), "{notes:?}");
}

#[tokio::test]
async fn functions_hear_of_named_events() {
    let told = Told::start(|game| {
        game.on_event("world.changed", observed).on_event("user.created", observed)
    })
    .await;
    told.test.player("Any").await.unwrap();
    told.test.change(told.test.world_scope(1).unwrap(), json!({"name": "W"})).await.unwrap();
    assert_eq!(told.notes().await, ["observed user created", "observed world changed"]);
}

#[tokio::test]
async fn a_hook_that_fails_is_logged_and_stores_nothing_and_the_next_is_called() {
    async fn broken(NewWorld(mut world): NewWorld) -> CallResult<()> {
        world.update(json!({"name": "changed"}))?;
        assert!(world.data.get("good").is_some(), "the author's mistake");
        Ok(())
    }
    let mut told = Told::start(|game| game.scope(Run::handlers().on_world_created(broken))).await;
    told.test.expect_errors();
    let (_, run) = told.test.run();
    told.create(Resource::World, json!({"run": run, "name": "bad"})).await;
    told.create(Resource::World, json!({"run": run, "name": "good", "data": {"good": 1}})).await;
    told.test.settled().await;
    let names: Vec<_> =
        told.test.stored::<World>().await.unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["World 1", "bad", "changed"]);
    assert!(told.test.logged_errors().contains("the author's mistake"));
}

async fn arm(mut period: Scope<Period>) -> CallResult<()> {
    period.set_timer("close", Duration::from_millis(20))
}

async fn disarm(mut period: Scope<Period>) -> CallResult<()> {
    period.set_timer("close", Duration::from_secs(3600))?;
    period.cancel_timer("close")
}

async fn wrong(mut period: Scope<Period>) -> CallResult<()> {
    period.set_timer("explode", Duration::ZERO)
}

async fn ring(period: Scope<Period>, diary: Notes) -> CallResult<()> {
    diary.note(format!("rings in round {}", period.order));
    period.open_next().map(drop)
}

#[tokio::test]
async fn a_timer_rings_once_and_what_it_does_is_stored() {
    let periods = Period::handlers()
        .rpc("arm", arm)
        .rpc("disarm", disarm)
        .rpc("wrong", wrong)
        .on_timer("close", ring);
    let mut told = Told::start(|game| game.scope(periods)).await;
    told.test.expect_errors();
    let mut player = told.test.player("Any").await.unwrap();
    let period = told.test.period(1).await.unwrap();
    player.call(period, "disarm", json!([])).await.unwrap();
    assert!(player.call(period, "wrong", json!([])).await.is_err());
    player.events();
    player.call(period, "arm", json!([])).await.unwrap();
    let armed = player.events().into_iter().find(|it| it.resource == "period").unwrap();
    assert!(armed.object["data"]["timers"]["close"].is_string(), "{armed:?}");
    let next =
        player.wait_for(|event| event.name == "add_child" && event.resource == "period").await;
    assert_eq!(next.unwrap().object["order"], 2);
    assert_eq!(told.notes().await, ["rings in round 1"]);
    let stored = told.test.stored::<Period>().await.unwrap();
    assert_eq!(stored[0].data, json!({}));
}

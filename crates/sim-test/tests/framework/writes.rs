//! What a handler can store, and what it cannot.

use serde_json::{Value, json};
use sim::prelude::*;
use sim_test::TestGame;

/// Makes a scenario with two rounds and a decision, and reads all of it before it is stored.
async fn build(world: Scope<World>) -> CallResult<Value> {
    let mut scenario = world.create::<Scenario>(json!({"name": "Built"}))?;
    scenario.create::<Period>(json!({"order": 2}))?;
    let first = scenario.create::<Period>(json!({"order": 1, "data": {"price": 3}}))?;
    first.save_own_decision("bid", json!({"amount": 5}))?;
    first.save_own_decision("bid", json!({"by": "me"}))?;
    scenario.merge_data(json!({"stage": "new"}))?;
    let orders: Vec<_> = scenario.periods()?.iter().map(|period| period.order).collect();
    let names: Vec<_> = world.scenarios()?.iter().map(|it| it.name.clone()).collect();
    let bid: Option<Value> = first.own_decision("bid");
    Ok(json!({"orders": orders, "names": names, "bid": bid, "next": first.open_next()?.order}))
}

async fn build_and_fail(world: Scope<World>) -> CallResult<()> {
    world.create::<Scenario>(json!({"name": "Built"}))?;
    Err(CallError::conflict("no"))
}

async fn rename_neighbors(world: Scope<World>) -> CallResult<()> {
    for mut other in world.run()?.worlds()? {
        other.update(json!({"name": format!("{}!", other.name)}))?;
    }
    Ok(())
}

async fn count_in_run(world: Scope<World>) -> CallResult<()> {
    world.run()?.merge_data(json!({"count": 1}))
}

async fn restart(scenario: Scope<Scenario>) -> CallResult<()> {
    scenario.restart().map(drop)
}

#[derive(serde::Deserialize)]
struct To {
    order: i64,
}

async fn rewind(scenario: Scope<Scenario>, Args(to): Args<To>) -> CallResult<()> {
    scenario.rewind_to(to.order).map(drop)
}

async fn delete_then_change(mut period: Scope<Period>) -> CallResult<()> {
    period.delete()?;
    period.merge_data(json!({"too": "late"}))
}

async fn nonsense(world: Scope<World>) -> CallResult<()> {
    world.create::<Scenario>(json!({"name": 7})).map(drop)
}

async fn twice(scenario: Scope<Scenario>) -> CallResult<()> {
    scenario.create::<Period>(json!({"order": 9}))?;
    scenario.create::<Period>(json!({"order": 9})).map(drop)
}

/// Moves the caller to the other world, which is the run's business.
async fn defect(world: Scope<World>, caller: Caller) -> CallResult<()> {
    let worlds = world.run()?.worlds()?;
    let other = worlds.iter().find(|other| other.id != world.id);
    let other = other.ok_or_else(|| CallError::not_found("there is no other world"))?;
    for mut member in world.members()? {
        if member.id == caller.runuser() {
            member.update(json!({"world": other.id}))?;
        }
    }
    Ok(())
}

async fn delete_me(world: Scope<World>) -> CallResult<()> {
    world.delete()
}

fn game() -> Game {
    Game::new("writes")
        .scope(
            World::handlers()
                .rpc("build", build)
                .rpc("build_and_fail", build_and_fail)
                .rpc("rename_neighbors", rename_neighbors)
                .rpc_for(member().whole_run(), "rename_all", rename_neighbors)
                .rpc("count_in_run", count_in_run)
                .rpc("nonsense", nonsense)
                .rpc("defect", defect)
                .rpc_for(leader().whole_run(), "delete_me", delete_me),
        )
        .scope(
            Scenario::handlers().rpc("restart", restart).rpc("rewind", rewind).rpc("twice", twice),
        )
        .scope(Period::handlers().rpc("delete_then_change", delete_then_change))
}

const INTERNAL: &str = "wamp.error.runtime_error";

async fn worlds(test: &TestGame) -> Vec<String> {
    test.stored::<World>().await.unwrap().into_iter().map(|world| world.name).collect()
}

#[tokio::test]
async fn a_handler_sees_what_it_stages_and_all_of_it_is_stored_together() {
    let test = TestGame::start(game()).await.unwrap();
    let mut player = test.player("Any").await.unwrap();
    let world = test.world_scope(1).unwrap();
    player.events();
    let answer = player.call(world, "build", json!([])).await.unwrap();
    let bid = json!({"amount": 5, "by": "me"});
    let names = ["World Scenario 1", "Built"];
    assert_eq!(answer, json!({"orders": [1, 2], "names": names, "bid": bid, "next": 2}));
    let built = test.stored::<Scenario>().await.unwrap();
    let built = built.iter().find(|it| it.name == "Built").unwrap();
    assert_eq!(built.data, json!({"stage": "new"}));
    let decisions = test.stored::<Decision>().await.unwrap();
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0].data, bid);
    // Each object is announced once, complete, parents first.
    let seen: Vec<_> = player
        .events()
        .into_iter()
        .filter(|event| event.topic.starts_with("world."))
        .map(|event| format!("{} {}", event.name, event.resource))
        .collect();
    let expected =
        ["add_child scenario", "add_child period", "add_child period", "add_child decision"];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_handler_that_fails_stores_nothing() {
    let test = TestGame::start(game()).await.unwrap();
    let player = test.player("Any").await.unwrap();
    let world = test.world_scope(1).unwrap();
    assert!(player.call(world, "build_and_fail", json!([])).await.is_err());
    assert_eq!(test.stored::<Scenario>().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_on_a_world_cannot_write_other_worlds_or_the_run() {
    let mut test = TestGame::builder(game()).worlds(2).start().await.unwrap();
    test.expect_errors();
    let player = test.player("Any").await.unwrap();
    let world = test.world_scope(1).unwrap();
    for name in ["rename_neighbors", "count_in_run", "nonsense"] {
        let error = player.call(world, name, json!([])).await.unwrap_err();
        assert_eq!(error.uri, INTERNAL, "{name}");
    }
    assert_eq!(worlds(&test).await, ["World 1", "World 2"]);
    assert!(test.logged_errors().contains("may not write world"), "{}", test.logged_errors());
    player.call(world, "rename_all", json!([])).await.unwrap();
    assert_eq!(worlds(&test).await, ["World 1!", "World 2!"]);
}

#[tokio::test]
async fn contradictory_writes_are_refused_as_a_whole() {
    let mut test = TestGame::start(game()).await.unwrap();
    test.expect_errors();
    let player = test.player("Any").await.unwrap();
    let period = test.period(1).await.unwrap();
    let scenario = test.scenario_in(1, "World Scenario 1").await.unwrap();
    let error = player.call(period, "delete_then_change", json!([])).await.unwrap_err();
    assert_eq!(error.uri, INTERNAL);
    let error = player.call(scenario, "twice", json!([])).await.unwrap_err();
    assert_eq!(error.uri, INTERNAL);
    assert_eq!(test.stored::<Period>().await.unwrap().len(), 1);
    assert!(test.logged_errors().contains("deleted earlier in the same call"));
}

#[tokio::test]
async fn a_scenario_that_begins_again_tells_it_in_order() {
    let test = TestGame::start(game()).await.unwrap();
    let mut player = test.player("Any").await.unwrap();
    let world = test.world_scope(1).unwrap();
    player.call(world, "build", json!([])).await.unwrap();
    let scenario = test.scenario_in(1, "Built").await.unwrap();
    player.events();
    player.call(scenario, "restart", json!([])).await.unwrap();
    let own: Vec<_> =
        player.events().into_iter().filter(|event| event.topic.starts_with("world.")).collect();
    let names: Vec<_> = own.iter().map(|it| format!("{} {}", it.name, it.resource)).collect();
    assert_eq!(names.last().unwrap(), "add_child period");
    assert_eq!(names.iter().filter(|name| **name == "remove_child period").count(), 2);
    assert_eq!(own.last().unwrap().object["order"], 1);
    let periods = test.stored::<Period>().await.unwrap();
    assert_eq!(periods.iter().filter(|it| it.scenario.0 == scenario.1).count(), 1);
}

#[tokio::test]
async fn a_scenario_goes_back_to_a_round() {
    let test = TestGame::start(game()).await.unwrap();
    let player = test.player("Any").await.unwrap();
    player.call(test.world_scope(1).unwrap(), "build", json!([])).await.unwrap();
    let scenario = test.scenario_in(1, "Built").await.unwrap();
    let missing = player.call(scenario, "rewind", json!([7])).await.unwrap_err();
    assert_eq!(missing.uri, "application.error.not_found");
    player.call(scenario, "rewind", json!([1])).await.unwrap();
    let periods = test.stored::<Period>().await.unwrap();
    let left: Vec<_> =
        periods.iter().filter(|it| it.scenario.0 == scenario.1).map(|it| it.order).collect();
    assert_eq!(left, [1]);
    assert!(test.stored::<Decision>().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_member_can_be_moved_by_a_call_on_its_world() {
    let test = TestGame::builder(game()).worlds(2).start().await.unwrap();
    let player = test.player("Any").await.unwrap();
    let world = test.world_scope(1).unwrap();
    player.call(world, "defect", json!([])).await.unwrap();
    let gone = player.call(world, "defect", json!([])).await.unwrap_err();
    assert_eq!(gone.uri, "wamp.error.not_authorized");
}

#[tokio::test]
async fn a_scope_that_deletes_itself_is_gone_with_all_below_it() {
    let test = TestGame::builder(game()).worlds(2).start().await.unwrap();
    let leader = test.leader().await.unwrap();
    let world = test.world_scope(1).unwrap();
    leader.call(world, "delete_me", json!([])).await.unwrap();
    assert_eq!(worlds(&test).await, ["World 2"]);
    assert_eq!(test.stored::<Period>().await.unwrap().len(), 1);
    let gone = leader.call(world, "get_scope", json!([])).await.unwrap_err();
    assert_eq!(gone.uri, "wamp.error.not_authorized");
}

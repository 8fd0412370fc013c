//! A leader's acts on rounds, in a game that knows nothing of them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sim::prelude::*;
use sim_test::{TestGame, TestPlayer};

#[derive(Serialize, Deserialize)]
struct Bid {
    amount: f64,
}

async fn submit_decision(
    period: Scope<Period>,
    caller: Caller,
    Args(bid): Args<Bid>,
) -> CallResult<&'static str> {
    period.require_open()?;
    if bid.amount < 0.0 {
        return Ok("too little");
    }
    period.save_decision(caller.role()?, "decision", bid)?;
    Ok("ok")
}

fn game() -> Game {
    Game::new("rounds").scope(Period::handlers().rpc("submit_decision", submit_decision))
}

type Address = (sim::types::Resource, i64);

async fn data(test: &TestGame, period: Address) -> Value {
    let periods = test.stored::<Period>().await.unwrap();
    periods.into_iter().find(|it| it.id.0 == period.1).unwrap().data
}

async fn orders(test: &TestGame) -> Vec<i64> {
    let mut periods = test.stored::<Period>().await.unwrap();
    periods.sort_by_key(|period| (period.scenario, period.order));
    periods.into_iter().map(|period| period.order).collect()
}

async fn refused(player: &TestPlayer, scope: Address, name: &str) -> bool {
    let error = player.call(scope, name, json!([])).await.unwrap_err();
    error.uri == "wamp.error.not_authorized"
}

#[tokio::test]
async fn a_leader_submits_for_an_absent_player_by_the_game_s_own_rules() {
    let test = TestGame::start(game()).await.unwrap();
    let buyer = test.player("Buyer").await.unwrap();
    let leader = test.leader().await.unwrap();
    let period = test.period(1).await.unwrap();
    let submit = |args| leader.call(period, "submit_for", args);
    assert_eq!(submit(json!(["Buyer", -1])).await.unwrap(), "too little");
    assert_eq!(data(&test, period).await, json!({}));
    assert_eq!(submit(json!(["Buyer", "4"])).await.unwrap(), "ok");
    let decisions = test.decisions(period).await.unwrap();
    assert_eq!((decisions.len(), &decisions[0].data), (1, &json!({"amount": 4.0})));
    let marks = data(&test, period).await;
    assert!(marks["submitted_for"]["Buyer"].is_i64(), "{marks}");
    assert_eq!(submit(json!([buyer.runuser().1, 5])).await.unwrap(), "ok");
    for wrong in [json!([]), json!(["Nobody", 1]), json!([999_999, 1]), json!([{"role": 1}, 1])] {
        let error = submit(wrong.clone()).await.unwrap_err();
        assert_eq!(error.uri, "wamp.error.invalid_argument", "{wrong}");
    }
    let error = buyer.call(period, "submit_for", json!(["Buyer", 1])).await.unwrap_err();
    assert_eq!(error.uri, "wamp.error.not_authorized");
}

#[tokio::test]
async fn one_of_several_players_of_a_role_is_named_by_the_member() {
    let test = TestGame::start(game()).await.unwrap();
    let one = test.player("Buyer").await.unwrap();
    test.player("Buyer").await.unwrap();
    let leader = test.leader().await.unwrap();
    let period = test.period(1).await.unwrap();
    let error = leader.call(period, "submit_for", json!(["Buyer", 1])).await.unwrap_err();
    assert!(error.message.contains("several players"), "{error}");
    assert!(leader.call(period, "submit_for", json!([one.runuser().1, 1])).await.is_ok());
}

#[tokio::test]
async fn a_leader_closes_and_reopens_a_round() {
    let test = TestGame::start(game()).await.unwrap();
    let mut buyer = test.player("Buyer").await.unwrap();
    let leader = test.leader().await.unwrap();
    let period = test.period(1).await.unwrap();
    assert!(refused(&buyer, period, "close").await);
    buyer.events();
    leader.call(period, "close", json!([])).await.unwrap();
    leader.call(period, "close", json!([])).await.unwrap();
    assert_eq!(data(&test, period).await, json!({"closed": true}));
    let told = buyer.events();
    assert_eq!(told.iter().filter(|event| event.topic.starts_with("world.")).count(), 1);
    let closed = buyer.call(period, "submit_decision", json!([1])).await.unwrap_err();
    assert_eq!(closed.message, "This round is closed.");
    leader.call(period, "reopen", json!([])).await.unwrap();
    assert!(buyer.call(period, "submit_decision", json!([1])).await.is_ok());
    assert_eq!(data(&test, period).await, json!({}));
}

#[tokio::test]
async fn a_leader_steps_one_world_or_all() {
    let test = TestGame::builder(game()).worlds(2).start().await.unwrap();
    let buyer = test.player("Buyer").await.unwrap();
    let leader = test.leader().await.unwrap();
    let world = test.world_scope(1).unwrap();
    assert!(refused(&buyer, world, "step").await);
    leader.call(world, "step", json!([])).await.unwrap();
    assert_eq!(orders(&test).await, [1, 2, 1]);
    leader.call(test.run(), "step", json!([])).await.unwrap();
    assert_eq!(orders(&test).await, [1, 2, 3, 1, 2]);
    assert_eq!(data(&test, test.period(2).await.unwrap()).await, json!({"closed": true}));
    leader.call(test.run(), "close", json!([])).await.unwrap();
    let last = test.period_in(2, 2).await.unwrap();
    assert_eq!(data(&test, last).await, json!({"closed": true}));
    leader.call(test.run(), "reopen", json!([])).await.unwrap();
    assert_eq!(data(&test, last).await, json!({}));
}

#[tokio::test]
async fn a_game_says_itself_what_a_step_is_and_all_worlds_step_or_none() {
    async fn step(mut world: Scope<World>, Step: Step, caller: Caller) -> CallResult<()> {
        assert!(caller.is_leader());
        let steps = world.data::<Value>().map_or(0, |data| data["steps"].as_i64().unwrap_or(0));
        if world.name == "World 2" && steps == 1 {
            return Err(CallError::conflict("World 2 is not ready"));
        }
        world.merge_data(json!({ "steps": steps + 1 }))
    }
    let game = game().scope(World::handlers().on_step(step));
    let test = TestGame::builder(game).worlds(2).start().await.unwrap();
    let leader = test.leader().await.unwrap();
    leader.call(test.run(), "step", json!([])).await.unwrap();
    let error = leader.call(test.run(), "step", json!([])).await.unwrap_err();
    assert_eq!(error.message, "World 2 is not ready");
    let worlds = test.stored::<World>().await.unwrap();
    let steps: Vec<_> = worlds.iter().map(|world| world.data["steps"].clone()).collect();
    assert_eq!(steps, [1, 1]);
    assert_eq!(orders(&test).await, [1, 1]);
}

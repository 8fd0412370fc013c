//! Topics of a game's own, free procedures and subscribers, randomness and shared state.

use rand::RngExt;
use serde::Deserialize;
use serde_json::{Value, json};
use sim::prelude::*;
use sim::wamp::MatchPolicy;
use sim_test::TestGame;

#[derive(Deserialize)]
struct Said {
    text: String,
}

/// Passes on what a member says, and keeps it.
async fn chat(mut world: Scope<World>, caller: Caller, Args(said): Args<Said>) -> CallResult<()> {
    let mut lines: Vec<Value> = world
        .data::<Value>()
        .and_then(|data| serde_json::from_value(data.get("chat")?.clone()).ok())
        .unwrap_or_default();
    lines.push(json!({"sender": caller.email(), "message": said.text}));
    world.publish("chat.said", json!([caller.email(), said.text]))?;
    world.merge_data(json!({ "chat": lines }))
}

async fn whisper(member: Scope<RunUser>) -> CallResult<()> {
    member.publish("whispered", "psst")
}

async fn greet(visitor: Visitor, Args(said): Args<Said>) -> CallResult<String> {
    assert!(said.text != "panic", "the author's mistake");
    Ok(format!("{} {}", said.text, visitor.user().is_some()))
}

async fn dice(_: Scope<World>, mut random: Random) -> CallResult<Vec<u32>> {
    Ok((0..5).map(|_| random.random_range(1..=6)).collect())
}

struct Greeting(&'static str);

async fn state(_: Scope<World>, greeting: State<Greeting>) -> CallResult<&'static str> {
    Ok(greeting.0.0)
}

async fn stateless(_: Scope<World>, _: State<String>) -> CallResult<()> {
    Ok(())
}

fn game() -> Game {
    let world = World::handlers()
        .subscribe("chat.say", chat)
        .rpc("dice", dice)
        .rpc("state", state)
        .rpc("stateless", stateless);
    Game::new("topics")
        .state(Greeting("hello"))
        .scope(world)
        .scope(RunUser::handlers().rpc("whisper", whisper))
        .procedure("greet", greet)
}

#[tokio::test]
async fn what_a_member_says_reaches_the_world_and_is_kept() {
    let test = TestGame::builder(game()).worlds(2).start().await.unwrap();
    let speaker = test.player("Any").await.unwrap();
    let mut listener = test.player("Any").await.unwrap();
    let mut stranger = test.player_in(2, "Any").await.unwrap();
    let world = test.world_scope(1).unwrap();
    let topic = format!("model.world.{}.chat.said", world.1);
    listener.follow(&topic, MatchPolicy::Exact).await.unwrap();
    assert!(stranger.follow(&topic, MatchPolicy::Exact).await.is_err());
    speaker.publish(world, "chat.say", json!(["hi"])).await.unwrap();
    let heard = listener.wait_for(|event| event.name == "said").await.unwrap();
    assert_eq!(heard.object, json!("hi"));
    let stored = test.stored::<World>().await.unwrap();
    assert_eq!(stored[0].data["chat"][0]["message"], "hi");
    assert!(stranger.publish(world, "chat.say", json!(["let me in"])).await.is_err());
    assert!(speaker.publish(world, "chat.shout", json!(["no such topic"])).await.is_err());
    assert!(stranger.events().iter().all(|event| event.name != "said"));
}

#[tokio::test]
async fn a_member_s_own_topic_is_for_the_member_and_the_leaders() {
    let test = TestGame::start(game()).await.unwrap();
    let mut player = test.player("Any").await.unwrap();
    let other = test.player("Any").await.unwrap();
    let own = player.runuser();
    let topic = format!("model.runuser.{}.whispered", own.1);
    player.follow(&topic, MatchPolicy::Exact).await.unwrap();
    assert!(other.follow(&topic, MatchPolicy::Exact).await.is_err());
    player.call(own, "whisper", json!([])).await.unwrap();
    assert!(player.events().iter().any(|event| event.name == "whispered"));
}

#[tokio::test]
async fn a_free_procedure_belongs_to_no_scope() {
    let mut test = TestGame::start(game()).await.unwrap();
    test.expect_errors();
    let outsider = test.outsider().await.unwrap();
    let answer = outsider.call_free("greet", json!(["hello"])).await.unwrap();
    assert_eq!(answer, json!("hello true"));
    let failed = outsider.call_free("greet", json!(["panic"])).await.unwrap_err();
    assert_eq!(failed.uri, "wamp.error.runtime_error");
    assert!(outsider.call_free("greet", json!(["again"])).await.is_ok());
}

#[tokio::test]
async fn a_seed_makes_randomness_repeatable() {
    let mut rolls = Vec::new();
    for seed in [1, 1, 2] {
        let test = TestGame::start(game().seed(seed)).await.unwrap();
        let player = test.player("Any").await.unwrap();
        rolls.push(player.call(test.world_scope(1).unwrap(), "dice", json!([])).await.unwrap());
    }
    assert_eq!(rolls[0], rolls[1]);
    assert_ne!(rolls[0], rolls[2]);
}

#[tokio::test]
async fn handlers_share_the_game_s_state() {
    let mut test = TestGame::start(game()).await.unwrap();
    test.expect_errors();
    let player = test.player("Any").await.unwrap();
    let world = test.world_scope(1).unwrap();
    assert_eq!(player.call(world, "state", json!([])).await.unwrap(), "hello");
    assert!(player.call(world, "stateless", json!([])).await.is_err());
    assert!(test.logged_errors().contains("give it by `Game::state`"));
}

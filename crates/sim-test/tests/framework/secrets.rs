//! Fields that stay on the server.

use serde_json::json;
use sim::prelude::*;
use sim_test::TestGame;

async fn deal(mut scenario: Scope<Scenario>) -> CallResult<usize> {
    let deck = vec!["ace of spades"; 3];
    scenario.merge_data(json!({"_deck": deck, "cards": 3}))?;
    let period = scenario.current_period()?;
    period.save_own_decision("deal", json!({"_seed": 7, "shown": 1}))?;
    Ok(scenario
        .data::<serde_json::Value>()
        .map_or(0, |data| data["_deck"].as_array().map_or(0, Vec::len)))
}

#[tokio::test]
async fn fields_that_begin_with_an_underscore_never_leave_the_service() {
    let game = Game::new("secrets").scope(Scenario::handlers().rpc("deal", deal));
    let test = TestGame::start(game).await.unwrap();
    let mut player = test.player("Any").await.unwrap();
    let mut leader = test.leader().await.unwrap();
    let scenario = test.scenario_in(1, "World Scenario 1").await.unwrap();
    assert_eq!(player.call(scenario, "deal", json!([])).await.unwrap(), 3);
    // The next call reads what the last one stored.
    assert_eq!(player.call(scenario, "deal", json!([])).await.unwrap(), 3);
    let mut seen = Vec::new();
    seen.extend(player.events().into_iter().chain(leader.events()).map(|event| event.object));
    assert!(seen.iter().any(|object| object["data"] == json!({"cards": 3})), "{seen:?}");
    let (world, run) = (test.world_scope(1).unwrap(), test.run());
    for (scope, name) in [(scenario, "get_scope"), (world, "get_scope_tree"), (run, "get_run_data")]
    {
        seen.push(leader.call(scope, name, json!([])).await.unwrap());
    }
    let all = json!(seen).to_string();
    assert!(!all.contains("_deck") && !all.contains("ace of spades") && !all.contains("_seed"));
    let stored = test.stored::<Scenario>().await.unwrap();
    assert_eq!(stored[0].data["_deck"], json!(vec!["ace of spades"; 3]));
}

//! Who may call.

use serde_json::json;
use sim::prelude::*;
use sim_test::TestGame;

async fn done(_: Scope<Period>) -> CallResult<&'static str> {
    Ok("done")
}

fn game() -> Game {
    let handlers = Period::handlers()
        .rpc_for(role("Seller"), "sell", done)
        .rpc_for(leader(), "judge", done)
        .rpc_for(phase("Debrief"), "look_back", done)
        .rpc_for(leader().or(role("Seller")).and(phase("Play")), "open", done)
        .rpc_for(
            rule(|attempt| match attempt.caller()?.email().starts_with("p1@") {
                true => Ok(()),
                false => Err(CallError::conflict("only the first player")),
            }),
            "first",
            done,
        );
    Game::new("rules").scope(handlers)
}

#[tokio::test]
async fn a_procedure_is_for_those_whom_its_rule_names() {
    let test = TestGame::start(game()).await.unwrap();
    let seller = test.player("Seller").await.unwrap();
    let buyer = test.player("Buyer").await.unwrap();
    let leader = test.leader().await.unwrap();
    let period = test.period(1).await.unwrap();
    for (name, allowed) in [
        ("sell", [true, false, false]),
        ("judge", [false, false, true]),
        ("open", [true, false, true]),
        ("first", [true, false, false]),
    ] {
        for (who, expected) in [&seller, &buyer, &leader].into_iter().zip(allowed) {
            let answer = who.call(period, name, json!([])).await;
            assert_eq!(answer.is_ok(), expected, "{name}: {answer:?}");
        }
    }
    let refused = buyer.call(period, "sell", json!([])).await.unwrap_err();
    assert_eq!(refused.uri, "wamp.error.not_authorized");
    let refused = buyer.call(period, "first", json!([])).await.unwrap_err();
    assert_eq!(refused.message, "only the first player");
}

#[tokio::test]
async fn a_rule_about_the_phase_says_when() {
    let test = TestGame::start(game()).await.unwrap();
    let player = test.player("Seller").await.unwrap();
    let leader = test.leader().await.unwrap();
    let period = test.period(1).await.unwrap();
    let early = player.call(period, "look_back", json!([])).await.unwrap_err();
    assert_eq!(early.message, "This can be done only during Debrief.");
    leader.call(test.run(), "advance_phase", json!([])).await.unwrap();
    assert!(player.call(period, "look_back", json!([])).await.is_ok());
    assert!(player.call(period, "open", json!([])).await.is_err());
}

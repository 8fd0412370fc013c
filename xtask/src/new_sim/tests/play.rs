//! The game as its players meet it, without a network.

use anyhow::Result;
use serde_json::json;
use sim_test::TestGame;

use new_sim::{LEFT, RIGHT, game};

#[tokio::test]
async fn two_numbers_make_a_sum_and_the_next_round_opens() -> Result<()> {
    let game = TestGame::start(game()).await?;
    let (left, right) = (game.player(LEFT).await?, game.player(RIGHT).await?);
    let first = game.period(1).await?;

    assert_eq!(left.call(first, "submit_decision", json!([2])).await?, "ok");
    assert!(game.results(first).await?.is_empty());
    assert_eq!(right.call(first, "submit_decision", json!([3])).await?, "ok");

    assert_eq!(game.results(first).await?[0].data, json!({"sum": 5}));
    let second = game.period(2).await?;
    assert_eq!(left.call(first, "submit_decision", json!([4])).await?, "This round is over.");
    assert_eq!(left.call(second, "submit_decision", json!([4])).await?, "ok");
    Ok(())
}

#[tokio::test]
async fn what_is_no_number_is_answered_by_a_text_and_not_saved() -> Result<()> {
    let game = TestGame::start(game()).await?;
    let left = game.player(LEFT).await?;
    let period = game.period(1).await?;
    let answer = left.call(period, "submit_decision", json!(["much"])).await?;
    assert_eq!(answer, "Please enter a whole number.");
    assert!(game.decisions(period).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn both_players_follow_the_round_live() -> Result<()> {
    let game = TestGame::start(game()).await?;
    let (left, mut right) = (game.player(LEFT).await?, game.player(RIGHT).await?);
    left.call(game.period(1).await?, "submit_decision", json!([2])).await?;
    let seen = right.events();
    assert!(seen.iter().any(|it| it.name == "add_child" && it.resource == "decision"), "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn nobody_plays_in_the_debriefing() -> Result<()> {
    let game = TestGame::start(game()).await?;
    let (left, leader) = (game.player(LEFT).await?, game.leader().await?);
    leader.call(game.run(), "advance_phase", json!([])).await?;
    let error = left.call(game.period(1).await?, "submit_decision", json!([2])).await.unwrap_err();
    assert_eq!(error.message, "This can be done only during Play.");
    Ok(())
}

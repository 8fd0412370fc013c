//! A test that does not expect errors fails for them.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::json;
use sim::prelude::*;
use sim_test::TestGame;

async fn broken(_: Scope<Period>) -> CallResult<()> {
    panic!("the author's mistake")
}

async fn played() -> TestGame {
    let game = Game::new("demo").scope(Period::handlers().rpc("broken", broken));
    let test = TestGame::start(game).await.unwrap();
    let player = test.player("Any").await.unwrap();
    let period = test.period(1).await.unwrap();
    let failure = player.call(period, "broken", json!([])).await.unwrap_err();
    assert_eq!(failure.uri, "wamp.error.runtime_error");
    assert!(!failure.message.contains("mistake"), "{failure}");
    test
}

#[tokio::test]
async fn an_error_that_nobody_expected_fails_the_test() {
    let test = played().await;
    assert!(test.logged_errors().contains("the author's mistake"), "{}", test.logged_errors());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(test))).is_err());
}

#[tokio::test]
async fn an_expected_error_does_not() {
    let mut test = played().await;
    test.expect_errors();
    drop(test);
}

//! Who takes which seat: codes to join by, and players whom a leader moves.

use serde_json::{Value, json};
use sim::prelude::*;
use sim::types::{Operation, Resource, UnitOfWork, UserPk};
use sim_test::{TestGame, TestPlayer};

async fn class() -> TestGame {
    let game = Game::new("seats");
    TestGame::builder(game).worlds(1).start().await.unwrap()
}

async fn code(test: &TestGame, leader: &TestPlayer, renew: bool) -> String {
    leader.call(test.run(), "join_code", json!([renew])).await.unwrap().as_str().unwrap().to_owned()
}

async fn user(test: &TestGame, name: &str) -> UserPk {
    let fields = json!({"email": format!("{name}@test.example")}).as_object().unwrap().clone();
    let operations = vec![Operation::Create {
        resource: Resource::User,
        fields,
        reference: Some(sim::types::Reference(1)),
    }];
    let made = test.commit(UnitOfWork { operations, ..UnitOfWork::default() }).await.unwrap();
    UserPk(made.references[&sim::types::Reference(1)])
}

async fn take(test: &TestGame, code: &str, user: UserPk) -> Result<(), String> {
    let engine = test.core().engine("seats").unwrap();
    engine.take_seat(code, user).await.map_err(|error| error.uri().to_owned())
}

#[tokio::test]
async fn a_code_seats_newcomers_until_it_is_renewed_or_closed() {
    let test = class().await;
    let leader = test.leader().await.unwrap();
    let first = code(&test, &leader, false).await;
    assert_eq!(code(&test, &leader, false).await, first);
    let engine = test.core().engine("seats").unwrap();
    assert_eq!(engine.run_of_code(&first).await.as_deref(), Some("default"));
    let (one, two) = (user(&test, "one").await, user(&test, "two").await);
    take(&test, &first, one).await.unwrap();
    // Whoever has a seat keeps it.
    take(&test, &first, one).await.unwrap();
    let of_one = |it: &&RunUser| it.user == one;
    let members = test.stored::<RunUser>().await.unwrap();
    assert_eq!(members.iter().filter(of_one).count(), 1);
    assert!(members.iter().find(of_one).unwrap().world.is_some());
    let second = code(&test, &leader, true).await;
    assert_ne!(first, second);
    assert_eq!(take(&test, &first, two).await.unwrap_err(), "application.error.not_found");
    for wrong in ["", "-", "1-", "x-AAAAAAAA", &second[..second.len() - 1], &format!("{second}A")] {
        assert!(take(&test, wrong, two).await.is_err(), "{wrong}");
    }
    leader.call(test.run(), "close_joining", json!([])).await.unwrap();
    assert_eq!(engine.run_of_code(&second).await, None);
    test.change(test.run(), json!({"active": false})).await.unwrap();
    assert_eq!(engine.run_of_code(&second).await, None);
}

#[tokio::test]
async fn the_last_seat_is_taken_once() {
    let test = class().await;
    let leader = test.leader().await.unwrap();
    // The roles of the test's game are made as they are asked for.
    let _first = test.player("Dividend").await.unwrap();
    let second = test.player("Divisor").await.unwrap();
    leader.call(test.run(), "move", json!([second.runuser().1, null, null])).await.unwrap();
    let code = code(&test, &leader, false).await;
    let mut users = Vec::new();
    for number in 0..5 {
        users.push(user(&test, &format!("n{number}")).await);
    }
    let takes = users.iter().map(|user| take(&test, &code, *user));
    let taken = futures_util::future::join_all(takes).await;
    assert_eq!(taken.iter().filter(|it| it.is_ok()).count(), 1, "{taken:?}");
    let refused: Vec<_> = taken.into_iter().filter_map(Result::err).collect();
    assert!(refused.iter().all(|uri| uri == "application.error.conflict"), "{refused:?}");
}

#[tokio::test]
async fn only_leaders_see_codes_and_move_players() {
    let test = class().await;
    let leader = test.leader().await.unwrap();
    let player = test.player("Any").await.unwrap();
    let code = code(&test, &leader, false).await;
    for (name, args) in [
        ("join_code", json!([])),
        ("close_joining", json!([])),
        ("move", json!([player.runuser().1])),
    ] {
        let refused = player.call(test.run(), name, args).await.unwrap_err();
        assert_eq!(refused.uri, "wamp.error.not_authorized", "{name}");
    }
    for who in [&player, &leader] {
        let run: Value = who.call(test.run(), "get_scope", json!([])).await.unwrap();
        assert!(!run.to_string().contains(&code), "{run}");
    }
    for args in
        [json!([9999]), json!([player.runuser().1, 9999]), json!([player.runuser().1, null, 9999])]
    {
        let refused = leader.call(test.run(), "move", args).await.unwrap_err();
        assert_eq!(refused.uri, "wamp.error.invalid_argument");
    }
}

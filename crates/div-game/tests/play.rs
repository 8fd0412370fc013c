//! The game as its players meet it, on a whole service in one process.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use div_game::{DIVIDEND, DIVISOR, Rules, game};
use serde_json::{Value, json};
use sim::types::{Fields, Operation, Resource, Target, UnitOfWork};
use sim_test::{TestGame, TestPlayer};

const STEPPING: Rules = Rules { step_periods: true };

type Scope = (Resource, i64);

/// A world with both players and its first period.
struct Table {
    game: TestGame,
    dividend: TestPlayer,
    divisor: TestPlayer,
    period: Scope,
}

async fn table() -> Table {
    let test = TestGame::start(game("div", STEPPING)).await.unwrap();
    let dividend = test.player(DIVIDEND).await.unwrap();
    let divisor = test.player(DIVISOR).await.unwrap();
    let period = test.period(1).await.unwrap();
    Table { game: test, dividend, divisor, period }
}

async fn submit(player: &TestPlayer, period: Scope, operand: Value) -> Value {
    player.call(period, "submit_decision", json!([operand])).await.unwrap()
}

impl Table {
    /// Operands of the period by role name, as the store has them.
    async fn operands(&self) -> Vec<Value> {
        let decisions = self.game.decisions(self.period).await.unwrap();
        decisions.into_iter().map(|decision| decision.data).collect()
    }

    async fn quotients(&self) -> Vec<Value> {
        let results = self.game.results(self.period).await.unwrap();
        results.into_iter().map(|result| result.data["quotient"].clone()).collect()
    }

    async fn change(&self, (resource, pk): Scope, fields: Value) {
        let fields: Fields = serde_json::from_value(fields).unwrap();
        let operation = Operation::Change { resource, pk: Target::Pk(pk), fields };
        let unit = UnitOfWork { operations: vec![operation], ..UnitOfWork::default() };
        self.game.commit(unit).await.unwrap();
    }
}

#[tokio::test]
async fn the_second_decision_saves_the_quotient_and_opens_the_next_period() {
    let table = table().await;
    assert_eq!(submit(&table.dividend, table.period, json!(10)).await, "ok");
    assert!(table.quotients().await.is_empty());
    assert_eq!(submit(&table.divisor, table.period, json!("4")).await, "ok");
    assert_eq!(table.quotients().await, [json!(2.5)]);
    let next = table.game.period(2).await.unwrap();
    assert_ne!(next, table.period);
}

#[tokio::test]
async fn observers_see_decision_result_and_period_in_this_order() {
    let mut table = table().await;
    let mut leader = table.game.leader().await.unwrap();
    table.dividend.events();
    submit(&table.dividend, table.period, json!(1)).await;
    submit(&table.divisor, table.period, json!(2)).await;
    let seen: Vec<_> = leader
        .events()
        .into_iter()
        .filter(|event| event.topic.starts_with("world."))
        .map(|event| format!("{} {}", event.name, event.resource))
        .filter(|event| !event.ends_with("runuser"))
        .collect();
    let expected =
        ["add_child decision", "add_child decision", "add_child result", "add_child period"];
    assert_eq!(seen, expected);
    let partner = table.dividend.events();
    let result = partner.iter().find(|event| event.resource == "result").unwrap();
    assert_eq!(result.object["data"], json!({"quotient": 0.5}));
}

#[tokio::test]
async fn a_repeated_submission_recalculates_in_place() {
    let table = table().await;
    for (player, operand) in [(&table.dividend, 10), (&table.divisor, 4), (&table.divisor, 5)] {
        assert_eq!(submit(player, table.period, json!(operand)).await, "ok");
    }
    assert_eq!(table.quotients().await, [json!(2.0)]);
    assert_eq!(table.operands().await, [json!({"operand": 10.0}), json!({"operand": 5.0})]);
    assert!(table.game.period(3).await.is_err());
}

#[tokio::test]
async fn round_two_is_played_on_its_own_period() {
    let table = table().await;
    submit(&table.dividend, table.period, json!(10)).await;
    submit(&table.divisor, table.period, json!(4)).await;
    let second = table.game.period(2).await.unwrap();
    submit(&table.dividend, second, json!(9)).await;
    submit(&table.divisor, second, json!(3)).await;
    assert_eq!(table.game.results(second).await.unwrap()[0].data["quotient"], json!(3.0));
    assert_eq!(table.quotients().await, [json!(2.5)]);
    assert!(table.game.period(3).await.is_ok());
}

#[tokio::test]
async fn numbers_in_all_their_spellings_are_taken() {
    let table = table().await;
    for (raw, expected) in [
        ("10", 10.0),
        ("2.5", 2.5),
        ("-3", -3.0),
        (r#""4""#, 4.0),
        (r#"" 4 ""#, 4.0),
        (r#""1e3""#, 1000.0),
        (r#""-0.5""#, -0.5),
        (r#""+7""#, 7.0),
    ] {
        let args = format!("[{raw}]");
        let answer = table.dividend.call_raw(table.period, "submit_decision", &args, "{}").await;
        assert_eq!(answer.unwrap(), "ok", "{raw}");
        assert_eq!(table.operands().await, [json!({ "operand": expected })], "{raw}");
    }
}

#[tokio::test]
async fn what_is_no_number_is_answered_with_a_text_and_not_stored() {
    let table = table().await;
    let (number, finite) = ("Please enter a number.", "Please enter a finite number.");
    for (args, kwargs, text) in [
        (r#"["abc"]"#, "{}", number),
        (r#"[""]"#, "{}", number),
        ("[]", "{}", number),
        ("[null]", "{}", number),
        ("[[1]]", "{}", number),
        (r#"[{"a": 1}]"#, "{}", number),
        ("[true]", "{}", number),
        ("[false]", "{}", number),
        (r#"["1_000"]"#, "{}", number),
        (r#"["１"]"#, "{}", number),
        (r#"["nan"]"#, "{}", finite),
        (r#"["inf"]"#, "{}", finite),
        ("[1e999]", "{}", finite),
        ("[]", r#"{"operand": "-Infinity"}"#, finite),
    ] {
        let answer = table.dividend.call_raw(table.period, "submit_decision", args, kwargs).await;
        assert_eq!(answer.unwrap(), text, "{args} {kwargs}");
    }
    assert!(table.operands().await.is_empty());
}

#[tokio::test]
async fn a_divisor_of_zero_is_refused_and_a_dividend_of_zero_is_not() {
    let table = table().await;
    for zero in ["0", "0.0", "-0.0", r#""0""#, r#""0.0""#, r#""-0""#] {
        let args = format!("[{zero}]");
        let answer = table.divisor.call_raw(table.period, "submit_decision", &args, "{}").await;
        assert_eq!(answer.unwrap(), "Cannot divide by zero", "{zero}");
    }
    assert!(table.operands().await.is_empty());
    submit(&table.dividend, table.period, json!(0)).await;
    submit(&table.divisor, table.period, json!(-2)).await;
    let quotients = table.quotients().await;
    assert_eq!(quotients[0].to_string(), "0.0");
}

#[tokio::test]
async fn a_quotient_that_is_too_large_refuses_the_submission_as_a_whole() {
    let mut table = table().await;
    submit(&table.dividend, table.period, json!(1e308)).await;
    table.dividend.events();
    let answer = submit(&table.divisor, table.period, json!(1e-308)).await;
    assert_eq!(answer, "The result is too large.");
    assert_eq!(table.operands().await, [json!({"operand": 1e308})]);
    assert!(table.quotients().await.is_empty());
    assert!(table.dividend.events().is_empty());
}

#[tokio::test]
async fn other_keys_of_a_decision_survive() {
    let table = table().await;
    submit(&table.dividend, table.period, json!(1)).await;
    let decision = &table.game.decisions(table.period).await.unwrap()[0];
    let scope = (Resource::Decision, decision.id.0);
    table.change(scope, json!({"data": {"operand": 1.0, "note": "kept"}})).await;
    submit(&table.dividend, table.period, json!(2)).await;
    assert_eq!(table.operands().await, [json!({"operand": 2.0, "note": "kept"})]);
}

#[tokio::test]
async fn keyword_arguments_are_taken_and_unknown_ones_ignored() {
    let table = table().await;
    let args = json!({"operand": 3, "color": "red"});
    assert_eq!(table.dividend.call(table.period, "submit_decision", args).await.unwrap(), "ok");
    assert_eq!(table.operands().await, [json!({"operand": 3.0})]);
}

#[tokio::test]
async fn two_positional_arguments_are_an_error() {
    let table = table().await;
    let failure =
        table.dividend.call(table.period, "submit_decision", json!([1, 2])).await.unwrap_err();
    assert_eq!(failure.uri, "wamp.error.invalid_argument");
}

#[tokio::test]
async fn those_who_have_no_business_calling_are_refused_alike() {
    let test = TestGame::builder(game("div", STEPPING)).worlds(2).start().await.unwrap();
    let neighbor = test.player_in(2, DIVIDEND).await.unwrap();
    let judge = test.player("Judge").await.unwrap();
    let (leader, outsider) = (test.leader().await.unwrap(), test.outsider().await.unwrap());
    let period = test.period(1).await.unwrap();
    let unknown = (Resource::Period, 9999);
    let expected = neighbor.call(unknown, "submit_decision", json!([1])).await.unwrap_err();
    assert_eq!(expected.uri, "wamp.error.not_authorized");
    for caller in [&neighbor, &judge, &leader, &outsider] {
        let failure = caller.call(period, "submit_decision", json!([1])).await.unwrap_err();
        assert_eq!(failure, expected);
    }
    assert!(test.decisions(period).await.unwrap().is_empty());
}

#[tokio::test]
async fn after_the_phase_has_ended_there_is_a_text_and_after_rollback_play_goes_on() {
    let table = table().await;
    let leader = table.game.leader().await.unwrap();
    let run = table.game.run();
    assert!(table.dividend.call(run, "advance_phase", json!([])).await.is_err());
    leader.call(run, "advance_phase", json!([])).await.unwrap();
    let answer = submit(&table.dividend, table.period, json!(1)).await;
    assert_eq!(answer, "Decisions can be submitted only during Play.");
    assert!(table.operands().await.is_empty());
    let failure = leader.call(run, "advance_phase", json!([])).await.unwrap_err();
    assert_eq!(
        failure.message,
        format!("Run {}: There isn't any phase available after 'Debrief'", run.1)
    );
    leader.call(run, "rollback_phase", json!([])).await.unwrap();
    assert_eq!(submit(&table.dividend, table.period, json!(1)).await, "ok");
}

#[tokio::test]
async fn a_closed_round_takes_no_decision() {
    let table = table().await;
    table.change(table.period, json!({"data": {"closed": true}})).await;
    assert_eq!(submit(&table.dividend, table.period, json!(1)).await, "This round is closed.");
    assert!(table.operands().await.is_empty());
}

#[tokio::test]
async fn without_stepping_a_scenario_keeps_its_one_period() {
    let test = TestGame::start(game("div", Rules { step_periods: false })).await.unwrap();
    let dividend = test.player(DIVIDEND).await.unwrap();
    let divisor = test.player(DIVISOR).await.unwrap();
    let period = test.period(1).await.unwrap();
    submit(&dividend, period, json!(1)).await;
    submit(&divisor, period, json!(2)).await;
    assert_eq!(test.results(period).await.unwrap().len(), 1);
    assert!(test.period(2).await.is_err());
}

#[tokio::test]
async fn simultaneous_submissions_give_one_result_and_one_next_period() {
    let table = table().await;
    let plays = (0..20).map(|round| {
        let player = if round % 2 == 0 { &table.dividend } else { &table.divisor };
        submit(player, table.period, json!(round + 1))
    });
    for answer in futures_util::future::join_all(plays).await {
        assert_eq!(answer, "ok");
    }
    assert_eq!(table.quotients().await, [json!(19.0 / 20.0)]);
    assert!(table.game.period(2).await.is_ok());
    assert!(table.game.period(3).await.is_err());
}

#[tokio::test]
async fn the_same_key_plays_once() {
    let table = table().await;
    let first = json!({"operand": 1, "idempotency_key": "k"});
    let again = json!({"operand": 2, "idempotency_key": "k"});
    for args in [first, again] {
        let answer = table.dividend.call(table.period, "submit_decision", args).await;
        assert_eq!(answer.unwrap(), "ok");
    }
    assert_eq!(table.operands().await, [json!({"operand": 1.0})]);
}

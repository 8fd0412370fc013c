//! The market as its class meets it.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use market::{CONSUMER, PHASES, PRODUCER, game};
use serde_json::{Value, json};
use sim::types::{Operation, Period, Resource, Scenario, UnitOfWork};
use sim_test::{CallFailure, Seen, TestGame, TestPlayer};

type Scope = (Resource, i64);

/// Two worlds, each with two producers and a consumer, in the phase Setup.
struct Class {
    game: TestGame,
    leader: TestPlayer,
    worlds: [[TestPlayer; 3]; 2],
}

async fn class() -> Class {
    let game = TestGame::builder(game()).phases(&PHASES).worlds(2).start().await.unwrap();
    let mut worlds = Vec::new();
    for number in [1, 2] {
        let mut players = Vec::new();
        for role in [PRODUCER, PRODUCER, CONSUMER] {
            players.push(game.player_in(number, role).await.unwrap());
        }
        worlds.push(<[_; 3]>::try_from(players).unwrap());
    }
    let leader = game.leader().await.unwrap();
    Class { game, leader, worlds: worlds.try_into().unwrap() }
}

async fn submit(player: &TestPlayer, period: Scope, order: Value) -> Result<Value, CallFailure> {
    player.call(period, "submit_decision", order).await
}

impl Class {
    async fn lead(&self, procedure: &str, args: Value) -> Result<Value, CallFailure> {
        self.leader.call(self.game.run(), procedure, args).await
    }

    /// Goes on so many phases.
    async fn advance(&self, phases: usize) {
        for _ in 0..phases {
            self.lead("advance_phase", json!([])).await.unwrap();
        }
    }

    /// A round of a world's tournament.
    async fn round(&self, world: usize, order: i64) -> Scope {
        let scenario = self.game.scenario_in(world, "Tournament").await.unwrap();
        self.game.period_of(scenario, order).await.unwrap()
    }

    /// What came out of a round under a name.
    async fn result(&self, period: Scope, name: &str) -> Value {
        let results = self.game.results(period).await.unwrap();
        let mut of_name = results.into_iter().filter(|result| result.name == name);
        of_name.next().map_or(Value::Null, |result| result.data)
    }

    async fn closed(&self, (_, pk): Scope) -> bool {
        let periods = self.game.stored::<Period>().await.unwrap();
        periods.iter().any(|period| period.id.0 == pk && period.data["closed"] == true)
    }
}

#[tokio::test]
async fn players_of_one_role_decide_side_by_side() {
    let class = class().await;
    class.advance(2).await;
    let round = class.round(1, 1).await;
    let [cheap, dear, consumer] = &class.worlds[0];
    for (player, order) in
        [(cheap, json!([10, 4])), (dear, json!([10, 8])), (consumer, json!([6, 9]))]
    {
        assert_eq!(submit(player, round, order).await.unwrap(), "ok");
    }
    assert_eq!(submit(dear, round, json!([10, 7.5])).await.unwrap(), "ok");
    let mut decisions: Vec<_> = class
        .game
        .decisions(round)
        .await
        .unwrap()
        .into_iter()
        .map(|it| (it.name, it.data))
        .collect();
    decisions.sort_by(|a, b| a.0.cmp(&b.0));
    let name = |player: &TestPlayer| format!("decision-{}", player.runuser().1);
    let mut expected = vec![
        (name(cheap), json!({"quantity": 10, "price": 4.0})),
        (name(dear), json!({"quantity": 10, "price": 7.5})),
        (name(consumer), json!({"quantity": 6, "price": 9.0})),
    ];
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(decisions, expected);
}

#[tokio::test]
async fn the_leader_closes_the_round_of_all_worlds_together() {
    let class = class().await;
    class.advance(2).await;
    let rounds = [class.round(1, 1).await, class.round(2, 1).await];
    for (players, round) in class.worlds.iter().zip(rounds) {
        for (player, order) in players.iter().zip([json!([10, 4]), json!([10, 8]), json!([6, 9])]) {
            submit(player, round, order).await.unwrap();
        }
    }
    class.lead("step", json!([])).await.unwrap();
    for (players, round) in class.worlds.iter().zip(rounds) {
        let market = class.result(round, "market").await;
        assert_eq!(market, json!({"price": 6.5, "quantity": 6, "surplus": 30.0}));
        let of = |player: &TestPlayer| format!("result-{}", player.runuser().1);
        let traded = class.result(round, &of(&players[0])).await;
        assert_eq!(traded, json!({"quantity": 6, "profit": 15.0}));
        let traded = class.result(round, &of(&players[1])).await;
        assert_eq!(traded, json!({"quantity": 0, "profit": 0.0}));
        assert!(class.closed(round).await);
        let late = submit(&players[0], round, json!([1, 1])).await.unwrap_err();
        assert_eq!(
            (&*late.uri, &*late.message),
            ("application.error.conflict", "This round is closed.")
        );
    }
    let next = class.round(2, 2).await;
    assert_eq!(submit(&class.worlds[1][0], next, json!([1, 1])).await.unwrap(), "ok");
}

#[tokio::test]
async fn the_leader_can_close_the_round_of_one_world() {
    let class = class().await;
    class.advance(2).await;
    let [first, second] = [class.round(1, 1).await, class.round(2, 1).await];
    let world = class.game.world_scope(1).unwrap();
    class.leader.call(world, "step", json!([])).await.unwrap();
    assert!(class.closed(first).await);
    assert!(!class.closed(second).await);
}

#[tokio::test]
async fn the_absent_enter_the_default_order() {
    let class = class().await;
    class.advance(2).await;
    let round = class.round(1, 1).await;
    class.lead("step", json!([])).await.unwrap();
    let decisions = class.game.decisions(round).await.unwrap();
    assert_eq!(decisions.len(), 3);
    assert!(decisions.iter().all(|decision| decision.data["default"] == true));
    let market = class.result(round, "market").await;
    assert_eq!(market, json!({"price": 6.0, "quantity": 10, "surplus": 20.0}));
}

#[tokio::test]
async fn the_clock_closes_a_round_that_the_leader_does_not() {
    let mut class = class().await;
    class.lead("configure", json!({"seconds": 0.05})).await.unwrap();
    class.advance(2).await;
    let player = &mut class.worlds[0][0];
    let market = player.wait_for(|event| event.object["name"] == "market").await.unwrap();
    assert_eq!(market.object["data"]["quantity"], 10);
    // Browsers see the clock of the next round, and can count down.
    let is_next = |event: &Seen| event.resource == "period" && event.object["order"] == 2;
    let is_running = |event: &Seen| event.object["data"]["timers"]["close"].is_string();
    player.wait_for(|event| is_next(event) && is_running(event)).await.unwrap();
}

#[tokio::test]
async fn practice_is_a_market_of_ones_own_that_clears_at_once() {
    let class = class().await;
    let player = &class.worlds[0][2];
    let scenario = class.game.scenario_of(player).await.unwrap();
    let round = class.game.period_of(scenario, 1).await.unwrap();
    let early = submit(player, round, json!([4, 9])).await.unwrap_err();
    assert_eq!(early.message, "This can be done only during Practice.");
    class.advance(1).await;
    assert_eq!(submit(player, round, json!([4, 9])).await.unwrap(), "ok");
    let market = class.result(round, "market").await;
    assert_eq!(market, json!({"price": 7.0, "quantity": 4, "surplus": 16.0}));
    let next = class.game.period_of(scenario, 2).await.unwrap();
    assert_eq!(submit(player, next, json!([4, 9])).await.unwrap(), "ok");
    assert!(class.game.scenario_in(1, "Tournament").await.is_err(), "the worlds come later");
}

#[tokio::test]
async fn the_leader_alone_chooses_the_settings_and_only_during_setup() {
    let class = class().await;
    let run = class.game.run();
    let settings = json!({"producer": {"quantity": 1, "price": 2}});
    let player = &class.worlds[0][0];
    let failure = player.call(run, "configure", settings.clone()).await.unwrap_err();
    assert_eq!(failure.uri, "wamp.error.not_authorized");
    let bad = json!({"producer": {"quantity": 1, "price": -2}});
    let failure = class.lead("configure", bad).await.unwrap_err();
    assert_eq!(failure.args, [json!("settings"), json!({"price": "Enter a price of 0 or more."})]);
    class.lead("configure", settings.clone()).await.unwrap();
    class.advance(2).await;
    let failure = class.lead("configure", settings).await.unwrap_err();
    assert_eq!(failure.message, "This can be done only during Setup.");
    class.lead("step", json!([])).await.unwrap();
    let market = class.result(class.round(1, 1).await, "market").await;
    assert_eq!(market["quantity"], 2, "two producers offer one piece each");
}

#[tokio::test]
async fn the_worlds_are_compared_by_the_leader_at_any_time_and_by_all_at_the_end() {
    let class = class().await;
    class.advance(2).await;
    let round = class.round(2, 1).await;
    submit(&class.worlds[1][2], round, json!([10, 20])).await.unwrap();
    class.lead("step", json!([])).await.unwrap();
    let expected = json!([
        {"world": "World 2", "surplus": 150.0}, {"world": "World 1", "surplus": 20.0}
    ]);
    assert_eq!(class.lead("compare", json!([])).await.unwrap(), expected);
    let (player, run) = (&class.worlds[0][0], class.game.run());
    let failure = player.call(run, "compare", json!([])).await.unwrap_err();
    assert_eq!(failure.uri, "wamp.error.not_authorized");
    class.advance(1).await;
    assert_eq!(player.call(run, "compare", json!([])).await.unwrap(), expected);
}

#[tokio::test]
async fn going_back_to_the_tournament_keeps_its_rounds() {
    let class = class().await;
    class.advance(2).await;
    class.lead("step", json!([])).await.unwrap();
    class.lead("rollback_phase", json!([])).await.unwrap();
    let failure = class.lead("step", json!([])).await.unwrap_err();
    assert_eq!(failure.message, "The markets are open only during the tournament.");
    class.advance(1).await;
    let second = class.round(1, 2).await;
    assert_eq!(submit(&class.worlds[0][0], second, json!([1, 1])).await.unwrap(), "ok");
    let scenario = class.game.scenario_in(1, "Tournament").await.unwrap();
    assert!(class.game.period_of(scenario, 3).await.is_err());
}

#[tokio::test]
async fn a_world_that_comes_late_takes_part() {
    let class = class().await;
    class.advance(2).await;
    let fields = json!({"run": class.game.run().1, "name": "Late"}).as_object().unwrap().clone();
    let world = Operation::Create { resource: Resource::World, fields, reference: None };
    let unit = UnitOfWork { operations: vec![world], ..UnitOfWork::default() };
    class.game.commit(unit).await.unwrap();
    class.lead("step", json!([])).await.unwrap();
    let scenarios = class.game.stored::<Scenario>().await.unwrap();
    let of_worlds = scenarios.iter().filter(|it| it.name == "Tournament");
    let of_worlds: Vec<_> = of_worlds.map(|it| (Resource::Scenario, it.id.0)).collect();
    assert_eq!(of_worlds.len(), 3);
    for scenario in of_worlds {
        class.game.period_of(scenario, 2).await.unwrap();
    }
}

//! A round of Div as the people in it see it, over real sockets.

use anyhow::{Context, Result};
use black_box::{Div, Environment, Member, Round, Target};
use serde_json::json;

/// A class in the default environment, everybody following what the stock pages follow.
struct Class {
    div: Div,
    environment: Environment,
    s1: Member,
    s2: Member,
    s3: Member,
    leader: Member,
}

impl Class {
    async fn start(target: Target) -> Result<Self> {
        let div = Div::start_on(target, &[]).await?;
        let environment = div.environment("default").await?;
        let mut s1 = div.member(&environment, "s1@div.edu").await?;
        let mut s2 = div.member(&environment, "s2@div.edu").await?;
        let mut s3 = div.member(&environment, "s3@div.edu").await?;
        let mut leader = div.member(&environment, "leader@div.edu").await?;
        for player in [&mut s1, &mut s2, &mut s3] {
            player.follow_own().await?;
        }
        leader.follow_own().await?;
        for world in &environment.worlds {
            leader.follow(&format!("world.{}", world.world)).await?;
        }
        Ok(Self { div, environment, s1, s2, s3, leader })
    }

    /// The events that one player of world 1 is expected to see for these changes.
    fn seen_by(&self, player: &Member, changes: &[(&str, &str)]) -> Vec<String> {
        let world = self.environment.worlds[0].world;
        let runuser = player.runuser;
        let both = changes.iter().flat_map(|(action, resource)| {
            [
                format!("world.{world}.{action} {resource}"),
                format!("runuser.{runuser}.{action} {resource}"),
            ]
        });
        both.collect()
    }

    /// The events that the leader is expected to see for these changes in world 1.
    fn seen_by_leader(&self, changes: &[(&str, &str)]) -> Vec<String> {
        let world = self.environment.worlds[0].world;
        let seen = changes.iter().map(|(action, what)| format!("world.{world}.{action} {what}"));
        seen.collect()
    }

    /// Checks what everybody has seen since the last time.
    async fn all_saw(&mut self, changes: &[(&str, &str)]) -> Result<()> {
        let expected = self.seen_by(&self.s1, changes);
        assert_eq!(self.s1.events_so_far().await?, expected, "the dividend");
        let expected = self.seen_by(&self.s2, changes);
        assert_eq!(self.s2.events_so_far().await?, expected, "the divisor");
        let expected = self.seen_by_leader(changes);
        assert_eq!(self.leader.events_so_far().await?, expected, "the leader");
        assert_eq!(self.s3.events_so_far().await?, Vec::<String>::new(), "the other world");
        Ok(())
    }

    async fn play_first_round(&mut self) -> Result<u64> {
        let period = self.environment.worlds[0].period;
        self.s1.play(period, 10).await?;
        self.s2.play(period, "4").await?;
        Ok(period)
    }
}

const DECISION: (&str, &str) = ("add_child", "decision");
const RESULT: (&str, &str) = ("add_child", "result");
const PERIOD: (&str, &str) = ("add_child", "period");

async fn a_pair_plays_and_everybody_concerned_sees_each_step_in_order(
    target: Target,
) -> Result<()> {
    let mut class = Class::start(target).await?;
    let period = class.environment.worlds[0].period;
    class.s1.play(period, 10).await?;
    class.all_saw(&[DECISION]).await?;
    class.s2.play(period, "4").await?;
    class.all_saw(&[DECISION, RESULT, PERIOD]).await?;

    let (dividend, divisor) =
        (class.environment.roles["Dividend"], class.environment.roles["Divisor"]);
    let expected = Round { operands: vec![(dividend, 10.0), (divisor, 4.0)], quotients: vec![2.5] };
    assert_eq!(class.div.round(period).await?, expected);
    Ok(())
}

async fn every_event_carries_the_whole_object(target: Target) -> Result<()> {
    let mut class = Class::start(target).await?;
    let period = class.play_first_round().await?;
    let events = class.leader.changes_so_far().await?;
    let data: Vec<_> = events.iter().map(|event| &event.object()["data"]).collect();
    let expected =
        [json!({"operand": 10.0}), json!({"operand": 4.0}), json!({"quotient": 2.5}), json!({})];
    assert_eq!(data, expected.iter().collect::<Vec<_>>());
    assert_eq!(events[3].object()["order"], 2);
    let world = class.environment.worlds[0].world;
    for event in &events {
        assert_eq!(event.args[0], event.object()["id"]);
        assert_eq!(event.kwargs, json!({"resource_name": "world", "pk": world}));
        let path = format!("{}s/{}/", event.resource(), event.args[0]);
        assert_eq!(*event.object(), class.div.rest.get(&path).await?);
    }
    assert_eq!(events[2].object()["period"], period);
    assert_eq!(events[2].object()["role"], json!(null));
    Ok(())
}

async fn a_decision_submitted_again_changes_the_quotient_in_place(target: Target) -> Result<()> {
    let mut class = Class::start(target).await?;
    let period = class.play_first_round().await?;
    class.all_saw(&[DECISION, DECISION, RESULT, PERIOD]).await?;
    class.s2.play(period, 5).await?;
    class.all_saw(&[("update_child", "decision"), ("update_child", "result")]).await?;
    assert_eq!(class.div.round(period).await?.quotients, [2.0]);
    let scenario = class.environment.worlds[0].scenario;
    assert_eq!(class.div.periods(scenario).await?.len(), 2);
    Ok(())
}

async fn the_next_round_is_played_in_the_new_period(target: Target) -> Result<()> {
    let mut class = Class::start(target).await?;
    let first = class.play_first_round().await?;
    class.all_saw(&[DECISION, DECISION, RESULT, PERIOD]).await?;
    let world = class.environment.worlds[0];
    let second = class.div.periods(world.scenario).await?[1].0;
    class.s2.play(second, 8).await?;
    class.s1.play(second, 2).await?;
    class.all_saw(&[DECISION, DECISION, RESULT, PERIOD]).await?;
    assert_eq!(class.div.round(second).await?.quotients, [0.25]);
    assert_eq!(class.div.round(first).await?.quotients, [2.5]);

    // A reload shows the periods by their order, the first round first.
    let path = format!("world.{}.get_scope_tree", world.world);
    let tree = class.s1.call(&path, json!([null])).await?.value()?;
    let periods = tree["children"][0]["children"].as_array().context("no periods")?;
    let orders: Vec<_> = periods.iter().map(|period| &period["data"]["order"]).collect();
    assert_eq!(orders, [1, 2, 3]);
    Ok(())
}

async fn without_stepping_a_scenario_keeps_its_one_period(target: Target) -> Result<()> {
    let div = Div::start_on(target, &["--step-periods", "false"]).await?;
    let environment = div.environment("default").await?;
    let world = environment.worlds[0];
    div.member(&environment, "s1@div.edu").await?.play(world.period, 10).await?;
    div.member(&environment, "s2@div.edu").await?.play(world.period, 4).await?;
    assert_eq!(div.round(world.period).await?.quotients, [2.5]);
    assert_eq!(div.periods(world.scenario).await?, [(world.period, 1)]);
    Ok(())
}

async fn in_debrief_nobody_submits_and_after_the_rollback_everybody_does(
    target: Target,
) -> Result<()> {
    let mut class = Class::start(target).await?;
    let run = class.environment.run;
    let world = class.environment.worlds[0];
    let advance = format!("run.{run}.advance_phase");
    class.leader.call(&advance, json!([])).await?.value()?;
    let expected = [
        format!("runuser.{}.update_child run", class.s1.runuser),
        format!("world.{}.update_child run", world.world),
    ];
    let events = class.s1.changes_so_far().await?;
    assert_eq!(events.iter().map(black_box::Event::brief).collect::<Vec<_>>(), expected);
    assert_eq!(events[0].object()["phase"], class.environment.phases["Debrief"]);

    let refusal = class.s1.submit(world.period, 10).await?.value()?;
    assert_eq!(refusal, "Decisions can be submitted only during Play.");
    assert_eq!(class.div.round(world.period).await?.operands, []);

    let black_box::Answer::Error { args, .. } = class.leader.call(&advance, json!([])).await?
    else {
        anyhow::bail!("advanced past the last phase");
    };
    let text = format!("Run {run}: There isn't any phase available after 'Debrief'");
    assert_eq!(args, [json!(text)]);

    let rollback = format!("run.{run}.rollback_phase");
    class.leader.call(&rollback, json!([])).await?.value()?;
    class.s1.play(world.period, 10).await
}

async fn players_do_not_move_the_phase(target: Target) -> Result<()> {
    let mut class = Class::start(target).await?;
    let run = class.environment.run;
    for name in ["advance_phase", "rollback_phase", "get_run_data"] {
        let answer = class.s1.call(&format!("run.{run}.{name}"), json!([])).await?;
        assert_eq!(answer.error_uri(), Some("wamp.error.not_authorized"), "{name}");
    }
    let stored = class.div.rest.get(&format!("runs/{run}/")).await?;
    assert_eq!(stored["phase"], class.environment.phases["Play"]);
    Ok(())
}

tests_on!(
    every,
    [
        a_pair_plays_and_everybody_concerned_sees_each_step_in_order,
        every_event_carries_the_whole_object,
        a_decision_submitted_again_changes_the_quotient_in_place,
        the_next_round_is_played_in_the_new_period,
        without_stepping_a_scenario_keeps_its_one_period,
        in_debrief_nobody_submits_and_after_the_rollback_everybody_does,
        players_do_not_move_the_phase,
    ]
);

//! Many pairs submit in the same moment, again and again.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use black_box::{Div, Member, Tables, Target};
use serde_json::json;

/// How many pairs play, and how often: fewer where each write is a request of its own.
fn size(target: Target) -> (usize, usize) {
    match target {
        Target::Embedded => (100, 20),
        _ => (20, 5),
    }
}

async fn simultaneous_pairs_give_one_result_each_every_time(target: Target) -> Result<()> {
    let (worlds, repetitions) = size(target);
    let div = Div::start_empty_on(target, &[]).await?;
    let seeded = div.seed(&["--worlds", &worlds.to_string()], "").await?;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    let environment = div.caught_up("default").await?;

    let mut players = Vec::new();
    for number in 1..=2 * worlds {
        let mut player = div.member(&environment, &format!("s{number}@div.edu")).await?;
        let topic = div.uri(&format!("world.{}.add_child", player.own_world()?.world));
        player.wamp.subscribe(&topic, "prefix").await?.id()?;
        let period = player.own_world()?.period;
        players.push((number, player, period));
    }

    let mut played: BTreeMap<u64, f64> = BTreeMap::new();
    for repetition in 1..=repetitions {
        let mut calls = Vec::new();
        for (number, player, period) in &mut players {
            let uri = div.uri(&format!("period.{period}.submit_decision"));
            let operand = *number + repetition;
            calls.push(player.wamp.send_call(&uri, Some(json!([operand])), None).await?);
            if *number % 2 == 1 {
                played.insert(*period, operand as f64 / (operand + 1) as f64);
            }
        }
        for ((number, player, period), call) in players.iter_mut().zip(calls) {
            let answer = player.wamp.answer(call).await?.value()?;
            assert_eq!(answer, "ok", "player {number} in repetition {repetition}");
            *period = next_period(player).await?;
        }
    }

    let tables = Tables::read(&div.rest, environment.run).await?;
    tables.check(environment.roles["Dividend"], environment.roles["Divisor"])?;
    assert_eq!(tables.periods.len(), worlds * (repetitions + 1));
    let quotients: BTreeMap<u64, f64> =
        tables.periods.iter().filter_map(|(period, row)| Some((*period, row.quotient?))).collect();
    assert_eq!(quotients, played);
    Ok(())
}

/// The period that the round just played has opened, which is the only one to be announced.
async fn next_period(player: &mut Member) -> Result<u64> {
    loop {
        let event = player.wamp.next_event().await?;
        if event.resource() == "period" {
            return event.object()["id"].as_u64().context("a period without id");
        }
    }
}

tests_on!(every, [simultaneous_pairs_give_one_result_each_every_time,]);

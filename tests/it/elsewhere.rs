//! A Games API beside the service: it comes late, goes away, comes back, and others write to it.

use anyhow::{Context, Result, bail, ensure};
use black_box::{Answer, DEADLINE, Div, Elsewhere, Event, Member, Service, Tables, Target};
use serde_json::json;

const NOT_SAVED: &str = "not saved, try again";

/// Waits for an event that is wanted; others before it are passed over.
async fn until(member: &mut Member, wanted: impl Fn(&Event) -> bool) -> Result<Event> {
    loop {
        let event = member.wamp.next_event().await?;
        if wanted(&event) {
            return Ok(event);
        }
    }
}

/// Submits until it is taken, while the service may be finding its Games API again.
async fn play_when_possible(member: &mut Member, period: u64, operand: f64) -> Result<()> {
    let played = tokio::time::timeout(3 * DEADLINE, async {
        loop {
            match member.submit(period, operand).await? {
                Answer::Error { .. } => {}
                answer => return answer.value(),
            }
        }
    });
    let answer = played.await.context("refused for too long")??;
    ensure!(answer == "ok", "answered with {answer}");
    Ok(())
}

async fn a_games_api_that_is_down_at_the_start_is_waited_for(target: Target) -> Result<()> {
    let mut elsewhere = Elsewhere::start(target).await?;
    elsewhere.seed().await?;
    elsewhere.stop().await?;
    let mut div = Div::on(Service::start_beside(elsewhere, &[]).await?)?;
    div.elsewhere()?.start_again().await?;
    let environment = div.caught_up("default").await?;
    let period = environment.worlds[0].period;
    div.member(&environment, "s1@div.edu").await?.play(period, 1).await
}

async fn a_game_that_appears_later_needs_no_restart(target: Target) -> Result<()> {
    let mut div = Div::start_empty_on(target, &[]).await?;
    div.elsewhere()?.seed().await?;
    let environment = div.caught_up("default").await?;
    let world = environment.worlds[0];
    div.member(&environment, "s1@div.edu").await?.play(world.period, 10).await?;
    div.member(&environment, "s2@div.edu").await?.play(world.period, 4).await?;
    assert_eq!(div.round(world.period).await?.quotients, [2.5]);
    Ok(())
}

async fn while_it_is_away_nothing_is_saved_and_afterwards_all_goes_on(
    target: Target,
) -> Result<()> {
    let mut div = Div::start_on(target, &[]).await?;
    let environment = div.environment("default").await?;
    let world = environment.worlds[0];
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    let mut s2 = div.member(&environment, "s2@div.edu").await?;
    s1.play(world.period, 10).await?;

    div.elsewhere()?.stop().await?;
    let Answer::Error { args, .. } = s2.submit(world.period, 4).await? else {
        bail!("a decision was taken that nobody keeps");
    };
    let text = args.first().and_then(|text| text.as_str()).unwrap_or_default();
    assert!(text.contains(NOT_SAVED), "{text}");
    // What is known is still told.
    let path = format!("world.{}.get_scope_tree", world.world);
    s2.call(&path, json!([null])).await?.value()?;

    div.elsewhere()?.start_again().await?;
    play_when_possible(&mut s2, world.period, 4.0).await?;
    let tables = Tables::read(&div.rest, environment.run).await?;
    tables.check(environment.roles["Dividend"], environment.roles["Divisor"])?;
    assert_eq!(tables.periods[&world.period].quotient, Some(2.5));
    Ok(())
}

async fn what_others_change_is_seen_live(target: Target) -> Result<()> {
    let div = Div::start_on(target, &[]).await?;
    let environment = div.environment("default").await?;
    let (first, second) = (environment.worlds[0], environment.worlds[1]);
    let mut leader = div.member(&environment, "leader@div.edu").await?;
    leader.follow(&format!("run.{}", environment.run)).await?;
    for world in &environment.worlds {
        leader.follow(&format!("world.{}", world.world)).await?;
    }
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    let mut s3 = div.member(&environment, "s3@div.edu").await?;

    let path = format!("worlds/{}/", first.world);
    div.change(&path, &json!({"name": "Renamed"})).await?;
    let is_new = |event: &Event| event.resource() == "world" && event.object()["name"] == "Renamed";
    until(&mut leader, is_new).await?;

    s3.play(second.period, 7).await?;
    let decision = until(&mut leader, |event| event.resource() == "decision").await?;
    div.rest.delete(&format!("decisions/{}/", decision.args[0])).await?;
    let is_removal = |event: &Event| event.action() == "remove_child";
    let removed = until(&mut leader, is_removal).await?;
    assert_eq!((removed.resource(), &removed.args[0]), ("decision", &decision.args[0]));

    s1.play(first.period, 3).await?;
    let path = format!("runusers/{}/", s1.runuser);
    div.change(&path, &json!({"world": second.world})).await?;
    let world = second.world;
    until(&mut leader, |event| event.resource() == "runuser" && event.object()["world"] == world)
        .await?;
    let answer = s1.submit(first.period, 4).await?;
    assert_eq!(answer.error_uri(), Some("wamp.error.not_authorized"));
    s1.play(second.period, 5).await
}

async fn a_run_ends_begins_again_and_another_one_appears(target: Target) -> Result<()> {
    let div = Div::start_on(target, &[]).await?;
    let environment = div.environment("default").await?;
    let world = environment.worlds[0];
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    s1.play(world.period, 1).await?;
    let path = format!("runs/{}/", environment.run);
    div.change(&path, &json!({"active": false})).await?;
    let refused = tokio::time::timeout(DEADLINE, async {
        while s1.submit(world.period, 2).await?.error_uri().is_none() {}
        anyhow::Ok(())
    });
    refused.await.context("still played")??;
    div.change(&path, &json!({"active": true})).await?;
    let mut s1 = {
        let environment = div.caught_up("default").await?;
        div.member(&environment, "s1@div.edu").await?
    };
    play_when_possible(&mut s1, world.period, 3.0).await?;

    let seeded = div.seed(&["-n", "a"], "").await?;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    let other = div.caught_up("a").await?;
    let period = other.worlds[0].period;
    div.member(&other, "a1@div.edu").await?.play(period, 4).await
}

tests_on!(
    elsewhere,
    [
        a_games_api_that_is_down_at_the_start_is_waited_for,
        a_game_that_appears_later_needs_no_restart,
        while_it_is_away_nothing_is_saved_and_afterwards_all_goes_on,
        what_others_change_is_seen_live,
        a_run_ends_begins_again_and_another_one_appears,
    ]
);

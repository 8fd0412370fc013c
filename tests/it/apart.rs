//! The router and the service in processes of their own, of which each comes and goes.

use anyhow::{Context, Result};
use black_box::{Answer, Binaries, DEADLINE, Div, Login, Received, Target, Wamp, run_to_end};
use serde_json::json;

/// Waits until a session is ended.
async fn ended(wamp: &mut Wamp) -> Result<()> {
    let gone = async {
        while let Received::Frame(frame) = wamp.receive().await? {
            if frame[0] == 6 {
                break;
            }
        }
        anyhow::Ok(())
    };
    // A router that was killed says nothing more.
    tokio::time::timeout(DEADLINE, gone).await.context("the session goes on")?.ok();
    Ok(())
}

/// Plays a round in the first world; the first player is told of the quotient.
async fn play(div: &Div, dividend: i64, divisor: i64) -> Result<Option<f64>> {
    let environment = div.environment("default").await?;
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    let mut s2 = div.member(&environment, "s2@div.edu").await?;
    let period = environment.worlds[0].period;
    s1.follow_own().await?;
    s1.play(period, dividend).await?;
    s2.play(period, divisor).await?;
    while !json!(s1.wamp.next_event().await?.args).to_string().contains("quotient") {}
    Ok(div.round(period).await?.quotients.first().copied())
}

async fn a_service_that_comes_back_finds_its_players_again(target: Target) -> Result<()> {
    let mut div = Div::start_on(target, &[]).await?;
    assert_eq!(play(&div, 10, 4).await?, Some(2.5));
    let mut left = div.login("s3@div.edu").await?;
    div.service.kill9().await?;
    // The router stays, and knows nobody who could let anybody in or answer.
    let login = Login::Ticket { authid: "s1@div.edu", ticket: "s1" };
    let mut stranger = Wamp::connect(&div.service.ws_url()).await?;
    assert!(stranger.hello(None, login).await?.is_err());
    let answer = left.call(&div.uri("game.get_phases"), json!([])).await?;
    assert!(matches!(answer, Answer::Error { .. }), "{answer:?}");
    div.restart().await?;
    // Who stayed has missed what happened meanwhile, and is sent to come anew.
    ended(&mut left).await?;
    assert_eq!(play(&div, 9, 2).await?, Some(4.5));
    Ok(())
}

async fn an_orderly_stop_sends_everybody_away(target: Target) -> Result<()> {
    let mut div = Div::start_on(target, &[]).await?;
    let mut s1 = div.login("s1@div.edu").await?;
    assert_eq!(div.service.sigterm().await?, Some(0));
    ended(&mut s1).await
}

async fn a_router_that_comes_back_is_joined_again(target: Target) -> Result<()> {
    let mut div = Div::start_on(target, &[]).await?;
    let mut s1 = div.login("s1@div.edu").await?;
    div.service.router()?.kill9().await?;
    ended(&mut s1).await?;
    let text = div.service.until_readiness(|status, _| status == 503).await?;
    assert!(text.starts_with("the router at ws://127.0.0.1:"), "{text}");
    // What is written meanwhile is not lost.
    let path = format!("periods/{}/", div.environment("default").await?.worlds[1].period);
    div.change(&path, &json!({"data": {"note": 1}})).await?;
    div.service.router()?.start_again().await?;
    assert_eq!(div.service.until_readiness(|status, _| status == 200).await?, "ready\n");
    assert_eq!(play(&div, 1, 8).await?, Some(0.125));
    Ok(())
}

tests_on!(
    apart,
    [a_service_that_comes_back_finds_its_players_again, an_orderly_stop_sends_everybody_away,]
);
tests_on!(on_sim_router_alone, SimRouter, [a_router_that_comes_back_is_joined_again]);

#[tokio::test]
async fn a_router_that_refuses_the_service_ends_it_with_one_line() -> Result<()> {
    let mut div = Div::start_on(Target::SimRouter, &[]).await?;
    let url = div.service.router()?.urls()[0].to_owned();
    let dir = tempfile::tempdir()?;
    let args = ["--data-dir", &dir.path().display().to_string(), "--no-seed"];
    let binds = ["--bind", "127.0.0.1:0", "--games-bind", "127.0.0.1:0", "--log", "off"];
    let router = ["--router", &url, "--router-ticket", "secret and wrong"];
    let program = &Binaries::get()?.service;
    let ended = run_to_end(program, &[&args[..], &binds, &router].concat(), "").await?;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let start = format!("error: the router at {url} refuses this service, check `--router-user`");
    assert!(ended.stderr.starts_with(&start), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(!ended.stderr.contains("secret and wrong"), "{}", ended.stderr);
    Ok(())
}

#[tokio::test]
async fn a_router_that_is_not_there_is_waited_for() -> Result<()> {
    // Nobody listens on the first port.
    let args = ["--router", "ws://127.0.0.1:1/ws", "--no-seed"];
    let div = Div::on(black_box::Service::start(&args).await?)?;
    let text = div.service.until_readiness(|status, _| status == 503).await?;
    assert!(text.contains("the router at ws://127.0.0.1:1/ws cannot be used: "), "{text}");
    Ok(())
}

//! The service is started again while bots play: all of them are back soon, and nothing is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use black_box::{
    Binaries, DEADLINE, Div, Environment, Finished, Service, Tables, free_port, run_to_end,
};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Few, since each login costs the time of a password's check, and the machine has other tests to do.
const WORLDS: usize = 4;
const PLAYERS: usize = 2 * WORLDS;
/// More than what is played before the restart and within the time to come back.
const ROUNDS: usize = 60;

/// How long after it is ready the service may be without one of its bots.
const BACK: Duration = Duration::from_secs(3);

/// How the service ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Stopped,
    Killed,
}

#[tokio::test]
async fn bots_are_back_within_three_seconds_after_an_orderly_restart() -> Result<()> {
    restarted(End::Stopped, 0).await
}

#[tokio::test]
async fn bots_are_back_within_three_seconds_after_a_kill_and_some_time_without_service()
-> Result<()> {
    // By then each of them waits as long as it ever does between two attempts.
    restarted(End::Killed, 8 * PLAYERS).await
}

/// Lets bots play, ends the service, starts it after so many attempts to come back, and lets the bots
/// play to their end.
async fn restarted(how: End, attempts: usize) -> Result<()> {
    let [bind, games_bind] = [free_port()?, free_port()?].map(|port| format!("127.0.0.1:{port}"));
    let args = ["--no-seed", "--bind", &bind, "--games-bind", &games_bind];
    let mut div = Div::on(Service::start(&args).await?)?;
    let seeded = div.seed(&["--worlds", &WORLDS.to_string()], "").await?;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    let environment = div.environment("default").await?;
    let bots = play(&div)?;
    decided(&div, &environment, 5 * PLAYERS).await?;

    match how {
        End::Stopped => assert_eq!(div.service.sigterm().await?, Some(0)),
        End::Killed => div.service.kill9().await?,
    }
    let ended = Timestamp::now();
    turn_away(&bind, attempts).await?;
    div.restart().await?;
    let ready = Timestamp::now();
    let answer = reqwest::get(format!("http://{bind}/readyz")).await?;
    assert_eq!(answer.status(), 200);

    let finished = bots.await??;
    let report: Value = serde_json::from_str(&finished.stdout)
        .with_context(|| format!("no report: {finished:?}"))?;
    // Bots compare what was acknowledged with what is stored.
    assert_eq!((finished.code, &report["right"]), (Some(0), &Value::from(true)), "{report}");
    assert_eq!(report["rounds_played"], PLAYERS * ROUNDS, "{report}");
    let back = report["steps"].as_array().and_then(|steps| steps.last()).context("no steps")?;
    assert_eq!(back["count"], PLAYERS, "every bot has come back: {report}");
    let tables = Tables::read(&div.rest, environment.run).await?;
    tables.check(environment.roles["Dividend"], environment.roles["Divisor"])?;

    let first = first_decisions(&div, &tables, ended).await?;
    ensure!(first.len() == PLAYERS, "of {PLAYERS} bots {} have played again", first.len());
    let longest = first.values().max().context("nobody has played")?.duration_since(ready);
    let longest = Duration::try_from(longest).unwrap_or_default();
    assert!(longest <= BACK, "the last bot played {longest:?} after readiness: {report}");
    Ok(())
}

/// Lets bots play all seats.
fn play(div: &Div) -> Result<JoinHandle<Result<Finished>>> {
    let program = &Binaries::get()?.bots;
    let args = ["--url", &div.service.ws_url(), "--games-url", div.service.api_url(), "--json"];
    let rounds = ROUNDS.to_string();
    let how = ["--come-back", "--rounds", &rounds, "--think", "50ms", "--limit", "20s"];
    let args: Vec<String> = [&args[..], &how].concat().into_iter().map(str::to_owned).collect();
    Ok(tokio::spawn(async move { run_to_end(program, &args, "").await }))
}

/// Waits until so many decisions are stored.
async fn decided(div: &Div, environment: &Environment, count: usize) -> Result<()> {
    let path = format!("decisions/?run={}", environment.run);
    let waiting = async {
        while div.rest.list(&path).await?.len() < count {}
        anyhow::Ok(())
    };
    tokio::time::timeout(DEADLINE, waiting).await.context("nobody plays")?
}

/// Hangs up on so many who connect where the service was.
async fn turn_away(bind: &str, attempts: usize) -> Result<()> {
    if attempts == 0 {
        return Ok(());
    }
    let listener = TcpListener::bind(bind).await?;
    let waiting = async {
        for _ in 0..attempts {
            drop(listener.accept().await?);
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(4 * DEADLINE, waiting).await.context("nobody tries to come back")?
}

/// When each player, by scenario and role, has first decided after a time.
async fn first_decisions(
    div: &Div,
    tables: &Tables,
    after: Timestamp,
) -> Result<BTreeMap<(u64, u64), Timestamp>> {
    let mut first = BTreeMap::new();
    let mut seq = 0;
    loop {
        let page = div.rest.get(&format!("changes/?after={seq}&limit=1000")).await?;
        let changes = page.as_array().context("no changes")?;
        let Some(last) = changes.last() else { return Ok(first) };
        seq = last["seq"].as_u64().context("no number")?;
        for change in changes.iter().filter(|change| change["resource"] == "decision") {
            let at: Timestamp = change["at"].as_str().context("no time")?.parse()?;
            let object = &change["data"];
            let (period, role) = (object["period"].as_u64(), object["role"].as_u64());
            let (period, role) = period.zip(role).context("no decision")?;
            let scenario = tables.periods.get(&period).context("a stray decision")?.scenario;
            if at > after {
                first.entry((scenario, role)).or_insert(at);
            }
        }
    }
}

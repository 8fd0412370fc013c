//! What machines ask of a service: whether it lives, whether it can be played, and its figures.

use anyhow::{Context, Result};
use black_box::{Div, Elsewhere, Target, Wamp};
use reqwest::StatusCode;
use serde_json::{Value, json};

async fn get(div: &Div, path: &str) -> Result<(StatusCode, String)> {
    let answer = reqwest::get(format!("{}{path}", div.service.page_url())).await?;
    Ok((answer.status(), answer.text().await?))
}

/// The figures with a name and these labels, summed up.
async fn figure(div: &Div, name: &str, labels: &[&str]) -> Result<f64> {
    let (status, text) = get(div, "/metrics").await?;
    assert_eq!(status, StatusCode::OK);
    let of_name = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    };
    let values = text.lines().filter(of_name).filter_map(|line| line.rsplit(' ').next());
    values.map(|value| value.parse::<f64>().context("a figure is no number")).sum()
}

async fn readiness_tells_what_is_missing_until_the_game_is_installed(target: Target) -> Result<()> {
    let div = Div::start_empty_on(target, &[]).await?;
    assert_eq!(get(&div, "/healthz").await?, (StatusCode::OK, "ok\n".to_owned()));
    let missing = "the game \"div\" is not installed yet\n".to_owned();
    assert_eq!(get(&div, "/readyz").await?, (StatusCode::SERVICE_UNAVAILABLE, missing));
    assert_eq!(figure(&div, "engine_runs_loaded", &[]).await?, 0.0);

    let seeded = div.seed(&[], "").await?;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    div.service.until_readiness(|status, _| status == 200).await?;
    assert_eq!(figure(&div, "engine_runs_loaded", &["game=\"div\""]).await?, 1.0);
    Ok(())
}

async fn figures_move_when_a_decision_was_made(target: Target) -> Result<()> {
    let div = Div::start_on(target, &[]).await?;
    let environment = div.environment("default").await?;
    let period = environment.worlds[0].period;
    let submitted = ["procedure=\"period.submit_decision\""];
    let ok = [submitted[0], "outcome=\"ok\""];
    assert_eq!(figure(&div, "engine_calls_total", &submitted).await?, 0.0);
    let events = figure(&div, "engine_events_total", &[]).await?;
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    s1.play(period, 10).await?;
    assert_eq!(figure(&div, "engine_calls_total", &ok).await?, 1.0);
    assert_eq!(figure(&div, "engine_call_seconds_count", &submitted).await?, 1.0);
    assert!(figure(&div, "engine_call_seconds_sum", &submitted).await? > 0.0);
    assert!(figure(&div, "engine_commit_seconds_count", &[]).await? >= 1.0);
    assert!(figure(&div, "engine_events_total", &[]).await? > events);
    assert!(figure(&div, "wamp_calls_total", &[]).await? >= 1.0);
    assert!(figure(&div, "wamp_sessions", &[]).await? >= 1.0);
    for name in ["process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"]
    {
        assert!(figure(&div, name, &[]).await? > 1.0, "{name}");
    }

    // Somebody else's round: refused, and counted as that.
    let uri = div.uri(&format!("period.{}.submit_decision", environment.worlds[1].period));
    s1.wamp.call(&uri, json!([1])).await?;
    let refused = [submitted[0], "outcome=\"not_authorized\""];
    assert_eq!(figure(&div, "engine_calls_total", &refused).await?, 1.0);
    assert_eq!(figure(&div, "wamp_calls_failed_total", &[]).await?, 1.0);
    Ok(())
}

async fn commits_of_the_embedded_games_api_are_counted(target: Target) -> Result<()> {
    let div = Div::start_on(target, &[]).await?;
    let before = figure(&div, "games_commits_total", &["outcome=\"ok\""]).await?;
    assert!(before > 0.0);
    div.rest.create("users/", &json!({"email": "ann@div.example"})).await?;
    assert!(figure(&div, "games_commits_total", &["outcome=\"ok\""]).await? > before);
    assert!(figure(&div, "games_commit_units_sum", &[]).await? > before);
    Ok(())
}

async fn readiness_tells_that_the_store_has_gone(target: Target) -> Result<()> {
    let mut div = Div::start_on(target, &[]).await?;
    assert_eq!(get(&div, "/readyz").await?.0, StatusCode::OK);
    div.service.elsewhere()?.stop().await?;
    let text = div.service.until_readiness(|status, _| status == 503).await?;
    assert!(text.starts_with("the store cannot be reached: "), "{text}");
    assert_eq!(get(&div, "/healthz").await?.0, StatusCode::OK);
    div.service.elsewhere()?.start_again().await?;
    assert_eq!(div.service.until_readiness(|status, _| status == 200).await?, "ready\n");
    Ok(())
}

/// A field as it stands in a line of JSON.
fn field(name: &str, value: impl Into<Value>) -> String {
    format!("\"{name}\":{}", value.into())
}

/// The name of a call: what its browser knows.
fn name(wamp: &Wamp, request: u64) -> Result<String> {
    Ok(format!("{}/{request}", wamp.welcome()?.session))
}

/// The log of everything, for programs.
const LOG_ALL: &[&str] = &["--log", "debug", "--log-format", "json"];

async fn a_call_has_one_name_from_its_browser_to_its_commit(target: Target) -> Result<()> {
    let mut div = Div::start_on(target, LOG_ALL).await?;
    if let Ok(Elsewhere::GamesApi(games)) = div.service.elsewhere() {
        games.restart_logging(LOG_ALL).await?;
        div.service.until_readiness(|status, _| status == 200).await?;
    }
    let environment = div.environment("default").await?;
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    s1.wamp.use_random_request_ids();
    let uri = div.uri(&format!("period.{}.submit_decision", environment.worlds[0].period));
    let request = s1.wamp.send_call(&uri, Some(json!([10])), None).await?;
    assert_eq!(s1.wamp.answer(request).await?.value()?, "ok");

    let call = field("call", name(&s1.wamp, request)?);
    let procedure = field("procedure", &*uri);
    let service = &mut div.service;
    service.logged_all(&[&call, &procedure, &field("message", "routed")]).await?;
    let answered = service.logged_all(&[&call, &procedure, &field("message", "answered")]).await?;
    let (run, user) = (field("run.pk", environment.run), field("user.pk", s1.user));
    for part in [&field("outcome", "ok"), &run, &user, "\"elapsed_ms\":"] {
        assert!(answered.contains(part), "no {part} in {answered}");
    }
    let stored = [&*call, &field("message", "stored"), "\"journal.seq\":", "\"elapsed_ms\":"];
    match service.elsewhere() {
        Ok(Elsewhere::GamesApi(games)) => games.logged_all(&stored).await?,
        // It does not tell what its requests belong to.
        Ok(Elsewhere::Original(_)) => String::new(),
        Err(_) => service.logged_all(&stored).await?,
    };

    // Somebody else's round: refused by the engine, and told of by the router.
    let uri = div.uri(&format!("period.{}.submit_decision", environment.worlds[1].period));
    let request = s1.wamp.send_call(&uri, Some(json!([1])), None).await?;
    s1.wamp.answer(request).await?;
    let call = field("call", name(&s1.wamp, request)?);
    for message in ["answered", "answered with an error"] {
        let line = div.service.logged_all(&[&call, &field("message", message)]).await?;
        assert!(line.contains("not_authorized\""), "{line}");
    }
    Ok(())
}

async fn calls_leave_no_line_in_the_usual_log(target: Target) -> Result<()> {
    let mut div = Div::start_on(target, &[]).await?;
    let environment = div.environment("default").await?;
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    s1.play(environment.worlds[0].period, 10).await?;
    let session = s1.wamp.welcome()?.session;
    assert_eq!(div.service.sigterm().await?, Some(0));
    let log = div.service.stderr();
    assert!(!log.iter().any(|line| line.contains(&session.to_string())), "{log:#?}");
    Ok(())
}

tests_on!(
    embedded,
    [
        a_call_has_one_name_from_its_browser_to_its_commit,
        calls_leave_no_line_in_the_usual_log,
        readiness_tells_what_is_missing_until_the_game_is_installed,
        figures_move_when_a_decision_was_made,
        commits_of_the_embedded_games_api_are_counted,
    ]
);
tests_on!(
    elsewhere,
    [
        a_call_has_one_name_from_its_browser_to_its_commit,
        readiness_tells_what_is_missing_until_the_game_is_installed,
        figures_move_when_a_decision_was_made,
        readiness_tells_that_the_store_has_gone,
    ]
);

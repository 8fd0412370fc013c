//! The service on the original, which stores request by request and tells by unsigned webhooks.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, Result, ensure};
use black_box::{Answer, Div, Environment, Member, Original, Tables, Target, signature};
use serde_json::{Value, json};

/// Puts a webhook together.
fn webhook(event: &str, reference: &str, data: &Value) -> String {
    json!({"event": event, "ref": reference, "data": data}).to_string()
}

/// Posts a body to the place for webhooks, from an address of this machine.
async fn post(div: &Div, from: Ipv4Addr, signed: Option<String>, body: &str) -> Result<u16> {
    let url = format!("{}/callback", div.service.page_url());
    let client = reqwest::Client::builder().no_proxy().local_address(IpAddr::V4(from)).build()?;
    let mut request = client.post(url).header("content-type", "application/json");
    if let Some(signature) = signed {
        request = request.header("X-Simpl-Signature", signature);
    }
    Ok(request.body(body.to_owned()).send().await?.status().as_u16())
}

/// A class whose leader watches the first world.
async fn watched(args: &[&str]) -> Result<(Div, Environment, Member)> {
    let div = Div::start_on(Target::Original, args).await?;
    let environment = div.environment("default").await?;
    let mut leader = div.member(&environment, "leader@div.edu").await?;
    leader.follow(&format!("world.{}", environment.worlds[0].world)).await?;
    Ok((div, environment, leader))
}

/// The first world as a webhook would tell it, under another name and later than all that is known.
async fn renamed(div: &Div, environment: &Environment) -> Result<Value> {
    let mut world = div.rest.get(&format!("worlds/{}/", environment.worlds[0].world)).await?;
    world["name"] = "Forged".into();
    world["updated"] = "2099-01-01T00:00:00.000000Z".into();
    Ok(world)
}

#[tokio::test]
async fn without_a_secret_webhooks_come_from_the_host_of_the_games_api_only() -> Result<()> {
    let (div, environment, mut leader) = watched(&[]).await?;
    let forged = webhook("div.world.changed", "forged", &renamed(&div, &environment).await?);
    let status = post(&div, Ipv4Addr::new(127, 0, 0, 2), None, &forged).await?;
    assert!(matches!(status, 401 | 403), "{status}");
    assert_eq!(leader.events_so_far().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn with_a_secret_only_signed_webhooks_are_taken() -> Result<()> {
    let (div, environment, mut leader) = watched(&["--callback-secret", "key"]).await?;
    let forged = webhook("div.world.changed", "forged", &renamed(&div, &environment).await?);
    for signed in [None, Some(signature("other", forged.as_bytes())), Some("sha256=".to_owned())] {
        let status = post(&div, Ipv4Addr::LOCALHOST, signed, &forged).await?;
        assert!(matches!(status, 401 | 403), "{status}");
    }
    assert_eq!(leader.events_so_far().await?, Vec::<String>::new());
    let good = Some(signature("key", forged.as_bytes()));
    assert_eq!(post(&div, Ipv4Addr::LOCALHOST, good, &forged).await?, 202);
    Ok(())
}

#[tokio::test]
async fn what_is_no_webhook_or_for_another_game_has_no_effect() -> Result<()> {
    let (div, environment, mut leader) = watched(&[]).await?;
    let world = renamed(&div, &environment).await?;
    let whole = webhook("div.world.changed", "whole", &world);
    let bodies = [
        "",
        "{}",
        "[]",
        "null",
        "nonsense",
        r#"{"event": "div.world.changed"}"#,
        r#"{"event": 5, "ref": "a", "data": {}}"#,
        &whole[..whole.len() / 2],
    ];
    for body in bodies {
        assert_eq!(post(&div, Ipv4Addr::LOCALHOST, None, body).await?, 400, "{body}");
    }
    let other = webhook("other.world.changed", "other", &world);
    assert_eq!(post(&div, Ipv4Addr::LOCALHOST, None, &other).await?, 202);
    let unknown = json!({"id": 999_999, "run_active": true, "name": "decision", "data": {},
        "period": 999_999, "role": null, "created": "2026-01-01T00:00:00Z",
        "updated": "2026-01-01T00:00:00Z"});
    for action in ["changed", "deleted"] {
        let stray = webhook(&format!("div.decision.{action}"), action, &unknown);
        assert_eq!(post(&div, Ipv4Addr::LOCALHOST, None, &stray).await?, 202);
    }
    assert_eq!(leader.events_so_far().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_repeated_or_older_webhook_changes_nothing() -> Result<()> {
    let (div, environment, mut leader) = watched(&[]).await?;
    let path = format!("worlds/{}/", environment.worlds[0].world);
    let before = div.rest.get(&path).await?;
    let after = div.change(&path, &json!({"name": "Renamed"})).await?;
    let event = leader.wamp.next_event().await?;
    assert_eq!(event.object()["name"], "Renamed");
    for (reference, data) in [("again", &after), ("again", &after), ("older", &before)] {
        let body = webhook("div.world.changed", reference, data);
        assert_eq!(post(&div, Ipv4Addr::LOCALHOST, None, &body).await?, 202);
    }
    assert_eq!(leader.events_so_far().await?, Vec::<String>::new());
    let scope = format!("world.{}.get_scope", environment.worlds[0].world);
    let scope = leader.call(&scope, json!([])).await?.value()?;
    assert_eq!(scope["data"]["name"], "Renamed");
    Ok(())
}

/// The newest period of the first world.
async fn newest(div: &Div, environment: &Environment) -> Result<u64> {
    let periods = div.periods(environment.worlds[0].scenario).await?;
    Ok(periods.last().context("no period")?.0)
}

fn original(div: &mut Div) -> Result<&mut Original> {
    div.elsewhere()?.original()
}

#[tokio::test]
async fn a_decision_that_a_kill_cut_in_two_is_completed_and_never_doubled() -> Result<()> {
    let mut div = Div::start_on(Target::Original, &[]).await?;
    let environment = div.environment("default").await?;
    // Killed before the first write of a decision, before the second, and so on to the last.
    for answered in 0.. {
        let period = newest(&div, &environment).await?;
        let mut s1 = div.member(&environment, "s1@div.edu").await?;
        let mut s2 = div.member(&environment, "s2@div.edu").await?;
        s1.play(period, 10).await?;
        original(&mut div)?.hold_writes_after(answered);
        let uri = div.uri(&format!("period.{period}.submit_decision"));
        let call = s2.wamp.send_call(&uri, Some(json!([4])), None).await?;
        let is_over = {
            let original = original(&mut div)?;
            tokio::select! {
                held = original.held() => { held?; None }
                answer = s2.wamp.answer(call) => Some(answer?),
            }
        };
        if let Some(answer) = is_over {
            assert_eq!(answer.value()?, "ok");
            ensure!(answered >= 3, "a decision, a result and a period in {answered} writes");
            break;
        }
        div.service.kill9().await?;
        original(&mut div)?.let_writes_through();
        div.restart().await?;
        let case = format!("killed after {answered} writes");
        let tables = Tables::read(&div.rest, environment.run).await.context(case.clone())?;
        let roles = (environment.roles["Dividend"], environment.roles["Divisor"]);
        tables.check(roles.0, roles.1).context(case.clone())?;

        let mut s2 = div.member(&environment, "s2@div.edu").await?;
        let answer = s2.submit(period, 4).await?;
        assert!(matches!(answer, Answer::Result { .. }), "{case}: {answer:?}");
        let tables = Tables::read(&div.rest, environment.run).await.context(case.clone())?;
        tables.check(roles.0, roles.1).context(case.clone())?;
        assert_eq!(tables.periods[&period].quotient, Some(2.5), "{case}");
    }
    Ok(())
}

#[tokio::test]
async fn own_writes_need_no_webhook_and_lost_ones_do_no_harm() -> Result<()> {
    let (mut div, environment, mut leader) = watched(&[]).await?;
    original(&mut div)?.lose_deliveries(usize::MAX);
    let world = environment.worlds[0];
    div.member(&environment, "s1@div.edu").await?.play(world.period, 10).await?;
    div.member(&environment, "s2@div.edu").await?.play(world.period, 4).await?;
    let seen = leader.events_so_far().await?;
    let expected = ["decision", "decision", "result", "period"]
        .map(|what| format!("world.{}.add_child {what}", world.world));
    assert_eq!(seen, expected);
    Ok(())
}

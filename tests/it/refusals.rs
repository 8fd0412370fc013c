//! Who is turned away, and that the answers tell nothing.

use anyhow::{Context, Result};
use black_box::{Answer, Div, Environment, Login, Member, Received, Rest, Target, Wamp};
use reqwest::Method;
use serde_json::json;

const NOT_AUTHORIZED: Option<&str> = Some("wamp.error.not_authorized");

async fn refusal(div: &Div, realm: Option<&str>, login: Login<'_>) -> Result<(String, String)> {
    let mut wamp = Wamp::connect(&div.service.ws_url()).await?;
    match wamp.hello(realm, login).await? {
        Ok(welcome) => anyhow::bail!("welcome: {welcome:?}"),
        Err(refused) => Ok((refused.reason, refused.message)),
    }
}

async fn default_class(target: Target, args: &[&str]) -> Result<(Div, Environment)> {
    let div = Div::start_on(target, args).await?;
    let environment = div.environment("default").await?;
    Ok((div, environment))
}

async fn an_unknown_realm_does_not_exist(target: Target) -> Result<()> {
    let (div, _) = default_class(target, &[]).await?;
    let login = Login::Ticket { authid: "s1@div.edu", ticket: "s1" };
    assert_eq!(refusal(&div, Some("nowhere"), login).await?.0, "wamp.error.no_such_realm");
    Ok(())
}

async fn a_wrong_password_and_an_unknown_user_get_the_same_answer(target: Target) -> Result<()> {
    let (div, _) = default_class(target, &[]).await?;
    let wrong = Login::Ticket { authid: "s1@div.edu", ticket: "s2" };
    let wrong = refusal(&div, None, wrong).await?;
    assert_eq!(wrong.0, "wamp.error.authentication_failed");
    let unknown = Login::Ticket { authid: "nobody@div.edu", ticket: "s2" };
    assert_eq!(refusal(&div, None, unknown).await?, wrong);
    let unknown = Login::Ticket { authid: "999999", ticket: "s2" };
    assert_eq!(refusal(&div, None, unknown).await?, wrong);
    Ok(())
}

async fn the_name_of_a_person_is_the_user_id_however_the_login_was_written(
    target: Target,
) -> Result<()> {
    let (div, environment) = default_class(target, &[]).await?;
    let user = environment.runusers["s1@div.edu"]["user"].to_string();
    for authid in ["s1@div.edu", user.as_str()] {
        let wamp =
            Wamp::login(&div.service.ws_url(), Login::Ticket { authid, ticket: "s1" }).await?;
        assert_eq!(wamp.welcome()?.authid, user);
        assert_eq!(wamp.welcome()?.details["authrole"], "browser");
        assert_eq!(wamp.welcome()?.details["authmethod"], "ticket");
    }
    Ok(())
}

async fn a_token_of_a_login_is_a_ticket_of_its_user_alone(target: Target) -> Result<()> {
    let (div, environment) = default_class(target, &[]).await?;
    let user = environment.runusers["s1@div.edu"]["user"].to_string();
    let base = div.service.api_url().replace("/apis/", "/rest-auth/");
    let rest = Rest::new(&base, "s1@div.edu", "s1")?;
    let login = json!({"username": "s1@div.edu", "password": "s1"});
    let reply = rest.send(Method::POST, "login/", Some(&login)).await?;
    let token = reply.body["key"].as_str().context("a login gives a token")?;
    for authid in ["s1@div.edu", user.as_str()] {
        let login = Login::Ticket { authid, ticket: token };
        assert_eq!(Wamp::login(&div.service.ws_url(), login).await?.welcome()?.authid, user);
    }
    let other = Login::Ticket { authid: "s2@div.edu", ticket: token };
    assert_eq!(refusal(&div, None, other).await?.0, "wamp.error.authentication_failed");
    Ok(())
}

async fn the_fixed_secret_works_under_legacy_auth_only(target: Target) -> Result<()> {
    let (div, environment) = default_class(target, &[]).await?;
    let user = environment.runusers["s1@div.edu"]["user"].to_string();
    let login = Login::Cra { authid: &user, secret: "nopassword" };
    assert_eq!(refusal(&div, None, login).await?.0, "wamp.error.no_matching_auth_method");
    drop(div);

    let (mut div, _) = default_class(target, &["--legacy-auth"]).await?;
    div.service.logged("legacy").await?;
    let wamp = Wamp::login(&div.service.ws_url(), login).await?;
    assert_eq!(wamp.welcome()?.authid, user);
    let wrong = refusal(&div, None, Login::Cra { authid: &user, secret: "wrong" }).await?;
    let text = match target {
        Target::Crossbar => "WAMP-CRA client signature is invalid",
        _ => "WAMP-CRA signature is invalid",
    };
    assert_eq!((wrong.0.as_str(), wrong.1.as_str()), ("wamp.error.not_authorized", text));
    Ok(())
}

async fn who_is_in_no_run_of_the_game_may_not_impersonate_anybody(target: Target) -> Result<()> {
    let (div, _) = default_class(target, &["--legacy-auth"]).await?;
    let login = Login::Cra { authid: "999999", secret: "nopassword" };
    assert!(refusal(&div, None, login).await?.0.starts_with("wamp.error."));
    Ok(())
}

async fn anonymous_asks_whether_the_game_is_ready_and_nothing_else(target: Target) -> Result<()> {
    let (div, environment) = default_class(target, &[]).await?;
    let mut wamp = Wamp::login(&div.service.ws_url(), Login::Anonymous).await?;
    let ready = wamp.call(&format!("{}.ready", div.root), json!([])).await?;
    assert_eq!(ready.value()?, json!(true));
    let world = environment.worlds[0];
    let period = format!("period.{}.submit_decision", world.period);
    for path in [period.as_str(), "game.get_phases", "game.list_scopes"] {
        let answer = wamp.call(&div.uri(path), json!([1])).await?;
        assert_eq!(answer.error_uri(), NOT_AUTHORIZED, "{path}");
    }
    let topic = div.uri(&format!("world.{}.add_child", world.world));
    assert_eq!(wamp.subscribe(&topic, "exact").await?.error_uri(), NOT_AUTHORIZED);
    let answer = wamp.publish(&topic, json!([]), json!({})).await?;
    assert_eq!(answer.error_uri(), NOT_AUTHORIZED);
    Ok(())
}

async fn what_one_may_not_see_answers_like_what_does_not_exist(target: Target) -> Result<()> {
    let (div, environment) = default_class(target, &[]).await?;
    let world = environment.worlds[0];
    let mut s3 = div.member(&environment, "s3@div.edu").await?;
    let s1 = environment.runusers["s1@div.edu"]["id"].as_u64().unwrap_or_default();
    for (resource, foreign, methods) in [
        ("world", world.world, &["get_scope", "get_scope_tree", "get_active_runusers"][..]),
        ("scenario", world.scenario, &["get_scope", "get_scope_tree"]),
        ("period", world.period, &["get_scope", "submit_decision"]),
        ("runuser", s1, &["get_scope", "get_scenarios", "get_current_run_and_phase"]),
    ] {
        for method in methods {
            let unknown = s3.call(&format!("{resource}.999999.{method}"), json!([])).await?;
            assert_eq!(unknown.error_uri(), NOT_AUTHORIZED, "{resource} {method}");
            let answer = s3.call(&format!("{resource}.{foreign}.{method}"), json!([])).await?;
            assert_eq!(answer, unknown, "{resource} {method}");
        }
    }
    Ok(())
}

async fn no_subscription_reaches_into_another_world(target: Target) -> Result<()> {
    let (div, environment) = default_class(target, &[]).await?;
    let (first, second) = (environment.worlds[0], environment.worlds[1]);
    let s1 = environment.runusers["s1@div.edu"]["id"].as_u64().unwrap_or_default();
    let mut s3 = div.member(&environment, "s3@div.edu").await?;
    let topics = [
        (format!("world.{}.add_child", first.world), "exact"),
        (format!("world.{}.add_child", first.world), "prefix"),
        (format!("world.{}.add_child", first.world), "wildcard"),
        (format!("world.{}", first.world), "prefix"),
        (format!("world.{}.", first.world), "prefix"),
        // A prefix is plain text: the own world 2 without its dot is also world 20.
        (format!("world.{}", second.world), "prefix"),
        ("world.".to_owned(), "prefix"),
        ("world..add_child".to_owned(), "wildcard"),
        (format!(".{}.add_child", first.world), "wildcard"),
        (format!("runuser.{s1}.add_child"), "exact"),
        ("runuser..add_child".to_owned(), "wildcard"),
        ("..".to_owned(), "wildcard"),
        ("game.webhook_forward".to_owned(), "exact"),
    ];
    for (topic, policy) in &topics {
        let answer = s3.wamp.subscribe(&div.uri(topic), policy).await?;
        assert!(answer.error_uri().is_some(), "{policy} {topic} was accepted");
    }
    for (topic, policy) in [("", "prefix"), ("world", "prefix"), ("wamp.session.on_join", "exact")]
    {
        let answer = s3.wamp.subscribe(topic, policy).await?;
        assert!(answer.error_uri().is_some(), "{policy} `{topic}` was accepted");
    }
    div.member(&environment, "s1@div.edu").await?.play(first.period, 1).await?;
    assert_eq!(s3.events_so_far().await?, Vec::<String>::new());
    Ok(())
}

async fn nobody_publishes_what_only_the_service_says(target: Target) -> Result<()> {
    let (div, environment) = default_class(target, &[]).await?;
    let (first, second) = (environment.worlds[0].world, environment.worlds[1].world);
    let mut s1 = div.member(&environment, "s1@div.edu").await?;
    s1.follow_own().await?;
    let mut s3 = div.member(&environment, "s3@div.edu").await?;
    for topic in [
        format!("world.{first}.update_child"),
        format!("world.{second}.update_child"),
        format!("run.{}.update_child", environment.run),
        format!("world.{first}.connected"),
        "game.webhook_forward".to_owned(),
    ] {
        let answer = s3.wamp.publish(&div.uri(&topic), json!([1, "world", {}]), json!({})).await?;
        assert_eq!(answer.error_uri(), NOT_AUTHORIZED, "{topic}");
    }
    let answer = s3.wamp.publish("wamp.session.on_leave", json!([1]), json!({})).await?;
    assert!(answer.error_uri().is_some());
    assert_eq!(s1.events_so_far().await?, Vec::<String>::new());
    Ok(())
}

async fn nobody_registers_a_procedure(target: Target) -> Result<()> {
    let (div, environment) = default_class(target, &[]).await?;
    let mut s1: Member = div.member(&environment, "s1@div.edu").await?;
    let period = environment.worlds[0].period;
    for (uri, policy) in [
        (div.uri(&format!("period.{period}.submit_decision")), "exact"),
        (div.uri("period..submit_decision"), "wildcard"),
        ("com.example.procedure".to_owned(), "exact"),
    ] {
        let answer = s1.wamp.register(&uri, policy).await?;
        assert!(matches!(answer, Answer::Error { .. }), "{policy} {uri} was accepted");
        let taken = Some("wamp.error.procedure_already_exists");
        match target {
            // It looks whether there is such a procedure before it asks who may register one.
            Target::Crossbar if answer.error_uri() == taken => {}
            _ => assert_eq!(answer.error_uri(), NOT_AUTHORIZED, "{uri}"),
        }
    }
    Ok(())
}

async fn a_user_who_is_deactivated_is_sent_away(target: Target) -> Result<()> {
    let div = Div::start_on(target, &[]).await?;
    let (mut s1, mut s2) = (div.login("s1@div.edu").await?, div.login("s2@div.edu").await?);
    let users = div.rest.list("users/?email=s1@div.edu").await?;
    let path = format!("users/{}/", users[0]["id"]);
    div.change(&path, &json!({"is_active": false})).await?;
    let Received::Frame(goodbye) = s1.receive().await? else {
        anyhow::bail!("closed without GOODBYE");
    };
    assert_eq!((&goodbye[0], &goodbye[2]), (&6.into(), &"wamp.close.killed".into()));
    assert!(div.login("s1@div.edu").await.is_err());
    // Nobody else is disturbed.
    assert!(matches!(
        s2.call(&div.uri("game.get_phases"), json!([])).await?,
        Answer::Result { .. }
    ));
    Ok(())
}

tests_on!(
    ours,
    [
        an_unknown_realm_does_not_exist,
        a_wrong_password_and_an_unknown_user_get_the_same_answer,
        the_name_of_a_person_is_the_user_id_however_the_login_was_written,
        a_token_of_a_login_is_a_ticket_of_its_user_alone,
        the_fixed_secret_works_under_legacy_auth_only,
        who_is_in_no_run_of_the_game_may_not_impersonate_anybody,
        anonymous_asks_whether_the_game_is_ready_and_nothing_else,
        what_one_may_not_see_answers_like_what_does_not_exist,
        no_subscription_reaches_into_another_world,
        nobody_publishes_what_only_the_service_says,
        nobody_registers_a_procedure,
        a_user_who_is_deactivated_is_sent_away,
    ]
);
// The original lends nobody the tokens of its logins: it tells only whether a password is right.
tests_on!(
    original,
    [
        an_unknown_realm_does_not_exist,
        a_wrong_password_and_an_unknown_user_get_the_same_answer,
        the_name_of_a_person_is_the_user_id_however_the_login_was_written,
        the_fixed_secret_works_under_legacy_auth_only,
        who_is_in_no_run_of_the_game_may_not_impersonate_anybody,
        anonymous_asks_whether_the_game_is_ready_and_nothing_else,
        what_one_may_not_see_answers_like_what_does_not_exist,
        no_subscription_reaches_into_another_world,
        nobody_publishes_what_only_the_service_says,
        nobody_registers_a_procedure,
        a_user_who_is_deactivated_is_sent_away,
    ]
);

//! The pages in a real browser: Debian's Chromium, led by Playwright.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use black_box::{Binaries, Div, Login, Node, Target, Wamp, skipped};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

/// Where Debian's package puts the browser.
const CHROMIUM: &str = "/usr/bin/chromium";

#[tokio::test]
async fn a_class_plays_in_chromium() -> Result<()> {
    let Some(node) = Node::with(&["playwright-core", "axe-core"]).await? else { return Ok(()) };
    if !Path::new(CHROMIUM).exists() {
        return skipped("BLACK_BOX_NODE", &format!("`{CHROMIUM}` is missing, install it"));
    }
    // The screenshots stay, for people to look at.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    if dir.exists() {
        fs::remove_dir_all(&dir).context("removing the last class")?;
    }
    fs::create_dir_all(&dir).context("making a directory for the class")?;
    let service = &Binaries::get()?.service;
    let paths = [service.to_str(), dir.to_str()];
    let [Some(service), Some(dir)] = paths else { anyhow::bail!("a path is no text: {paths:?}") };
    let played = node.run("class.mjs", &[service, dir]).await?;
    assert_eq!(played.code, Some(0), "{}\n{}", played.stdout, played.stderr);
    assert_eq!(played.stdout.matches("ok   ").count(), 20, "{}", played.stdout);
    Ok(())
}

/// A browser's requests, with the cookie that it was given.
struct Browser {
    http: Client,
    origin: String,
    cookie: String,
}

impl Browser {
    fn new(div: &Div) -> Result<Self> {
        let url = div.service.ws_url();
        let origin = url.strip_prefix("ws").and_then(|it| it.strip_suffix("/ws"));
        let origin = format!("http{}", origin.context("an unexpected address")?);
        Ok(Self { http: Client::builder().build()?, origin, cookie: String::new() })
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.origin));
        request = request.header(COOKIE, &self.cookie).header("sec-fetch-site", "same-origin");
        if let Some(body) = body {
            request = request.json(&body);
        }
        Ok(request.send().await?)
    }

    /// Signs in, and gives the status.
    async fn sign_in(&mut self, login: &str, password: &str) -> Result<StatusCode> {
        let body = json!({"login": login, "password": password});
        let answer = self.ask(Method::POST, "/session", Some(body)).await?;
        if let Some(cookie) = answer.headers().get(SET_COOKIE) {
            self.cookie = cookie.to_str()?.split(';').next().unwrap_or_default().to_owned();
        }
        Ok(answer.status())
    }

    async fn session(&self) -> Result<Value> {
        Ok(self.ask(Method::GET, "/session", None).await?.json().await?)
    }

    /// Joins the realm as the page does.
    async fn join(&self, div: &Div) -> Result<Wamp> {
        let ticket = self.ask(Method::POST, "/session/ticket", None).await?;
        let ticket: Value = ticket.error_for_status()?.json().await?;
        let (authid, ticket) = (ticket["authid"].as_str(), ticket["ticket"].as_str());
        let (authid, ticket) = authid.zip(ticket).context("no ticket")?;
        Wamp::login(div.service.ws_url(), Login::Ticket { authid, ticket }).await
    }
}

async fn whoever_signs_in_joins_by_a_ticket_until_signing_out(target: Target) -> Result<()> {
    let div = Div::start_on(target, &[]).await?;
    let environment = div.environment("default").await?;
    let mut browser = Browser::new(&div)?;
    assert_eq!(browser.session().await?, Value::Null);
    assert_eq!(browser.sign_in("s1@div.edu", "s2").await?, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.cookie, "");
    assert_eq!(browser.sign_in("s1@div.edu", "s1").await?, StatusCode::NO_CONTENT);
    let session = browser.session().await?;
    let runuser = &environment.runusers["s1@div.edu"];
    let seats = json!([{"run": environment.run, "runuser": runuser["id"]}]);
    assert_eq!(session["games"][0]["seats"], seats);
    assert_eq!(
        (&session["user"]["id"], &session["user"]["staff"]),
        (&runuser["user"], &json!(false))
    );

    let mut page = browser.join(&div).await?;
    let uri = format!("{}.model.runuser.{}.get_scope", div.root, runuser["id"]);
    page.call(&uri, json!([])).await?.value()?;
    // A ticket is for one person: nobody joins with it under another name.
    let ticket = browser.ask(Method::POST, "/session/ticket", None).await?.json::<Value>().await?;
    let ticket = ticket["ticket"].as_str().context("no ticket")?;
    let other = Login::Ticket { authid: "s2@div.edu", ticket };
    assert!(Wamp::login(div.service.ws_url(), other).await.is_err());

    let out = browser.ask(Method::DELETE, "/session", None).await?;
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    // The old cookie is worth nothing, also for whoever has kept it.
    assert_eq!(browser.session().await?, Value::Null);
    let refused = browser.ask(Method::POST, "/session/ticket", None).await?;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    Ok(())
}

async fn a_newcomer_with_a_code_gets_an_account_and_a_seat(target: Target) -> Result<()> {
    let div = Div::start_on(target, &[]).await?;
    let environment = div.environment("default").await?;
    let mut leader = div.login("leader@div.edu").await?;
    let run = format!("{}.model.run.{}", div.root, environment.run);
    let code = leader.call(&format!("{run}.join_code"), json!([])).await?.value()?;
    let path = format!("/join/{}", code.as_str().context("no code")?);
    let newcomer = |password: &str| {
        Some(json!({"login": "ann@div.example", "password": password, "first_name": "Ann"}))
    };
    let browser = Browser::new(&div)?;
    let full = browser.ask(Method::POST, &path, newcomer("secret")).await?;
    assert_eq!(full.status(), StatusCode::CONFLICT);
    let error: Value = full.json().await?;
    assert_eq!(error["error"], "all seats of this run are taken, ask whoever leads it");

    let moved = &environment.runusers["s4@div.edu"]["id"];
    leader.call(&format!("{run}.move"), json!([moved, null, null])).await?.value()?;
    let wrong = browser.ask(Method::POST, &path, newcomer("guess")).await?;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let empty = browser.ask(Method::POST, &path, newcomer(" ")).await?;
    assert_eq!(empty.status(), StatusCode::UNAUTHORIZED);
    let unknown = browser.ask(Method::POST, "/join/1-AAAAAAAA", newcomer("secret")).await?;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let joined = browser.ask(Method::POST, &path, newcomer("secret")).await?;
    assert_eq!(joined.status(), StatusCode::NO_CONTENT);

    let mut browser = Browser::new(&div)?;
    assert_eq!(browser.sign_in("ann@div.example", "secret").await?, StatusCode::NO_CONTENT);
    let session = browser.session().await?;
    let seat = &session["games"][0]["seats"][0]["runuser"];
    let mut page = browser.join(&div).await?;
    let uri = format!("{}.model.runuser.{seat}.get_scope", div.root);
    let own = page.call(&uri, json!([])).await?.value()?;
    assert_eq!(
        (&own["data"]["role_name"], &own["data"]["first_name"]),
        (&json!("Divisor"), &json!("Ann"))
    );
    assert_eq!(own["data"]["world"], environment.runusers["s3@div.edu"]["world"]);
    Ok(())
}

tests_on!(
    every,
    [
        whoever_signs_in_joins_by_a_ticket_until_signing_out,
        a_newcomer_with_a_code_gets_an_account_and_a_seat,
    ]
);

/// Lets Chromium try programs by a script of `tests/js`, which prints a line for each step. The
/// screenshots stay in a directory of this name.
async fn in_chromium(script: &str, dir: &str, programs: &[&Path], steps: usize) -> Result<()> {
    let Some(node) = Node::with(&["playwright-core", "axe-core"]).await? else { return Ok(()) };
    if !Path::new(CHROMIUM).exists() {
        return skipped("BLACK_BOX_NODE", &format!("`{CHROMIUM}` is missing, install it"));
    }
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(dir);
    if dir.exists() {
        fs::remove_dir_all(&dir).context("removing what the last run has left")?;
    }
    fs::create_dir_all(&dir).context("making a directory for the screenshots")?;
    let paths = programs.iter().copied().chain([&*dir]);
    let paths = paths.map(|path| path.to_str().context("a path is no text"));
    let played = node.run(script, &paths.collect::<Result<Vec<_>>>()?).await?;
    assert_eq!(played.code, Some(0), "{}\n{}", played.stdout, played.stderr);
    assert_eq!(played.stdout.matches("ok   ").count(), steps, "{}", played.stdout);
    Ok(())
}

#[tokio::test]
async fn staff_play_as_everybody_on_the_bench_in_chromium() -> Result<()> {
    in_chromium("bench.mjs", "bench", &[&Binaries::get()?.service], 10).await
}

#[tokio::test]
async fn the_examples_are_played_on_the_generic_pages_in_chromium() -> Result<()> {
    let (blackjack, market) = (Binaries::example("blackjack")?, Binaries::example("market")?);
    in_chromium("examples.mjs", "examples", &[&blackjack, &market], 12).await
}

#[tokio::test]
async fn staff_join_by_the_ticket_of_any_seat_and_players_by_none() -> Result<()> {
    let div = Div::start(&[]).await?;
    let environment = div.environment("default").await?;
    let runuser = &environment.runusers["s2@div.edu"];
    let path = format!("/bench/seats/{}/ticket", runuser["id"]);
    let mut browser = Browser::new(&div)?;
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
        let seats = browser.ask(Method::GET, "/bench/seats", None).await?;
        let ticket = browser.ask(Method::POST, &path, None).await?;
        assert_eq!((seats.status(), ticket.status()), (status, status));
        browser.sign_in("s1@div.edu", "s1").await?;
    }

    assert_eq!(browser.sign_in("simpl@simpl.world", "simpl").await?, StatusCode::NO_CONTENT);
    let seats = browser.ask(Method::GET, "/bench/seats", None).await?.json::<Value>().await?;
    let members = seats[0]["runs"][0]["members"].as_array().context("no members")?;
    let shown = members.iter().find(|it| it["runuser"] == runuser["id"]).context("no seat")?;
    assert_eq!(
        (&shown["role"], &shown["world"], &shown["leader"]),
        (&runuser["role_name"], &runuser["world"], &json!(false))
    );
    let ticket = browser.ask(Method::POST, &path, None).await?.json::<Value>().await?;
    let (authid, ticket) = (ticket["authid"].as_str(), ticket["ticket"].as_str());
    let (authid, ticket) = authid.zip(ticket).context("no ticket")?;
    assert_eq!(authid, runuser["user"].to_string());
    let mut page = Wamp::login(div.service.ws_url(), Login::Ticket { authid, ticket }).await?;
    let uri = div.uri(&format!("runuser.{}.get_scope", runuser["id"]));
    let own = page.call(&uri, json!([])).await?.value()?;
    assert_eq!(own["data"]["email"], "s2@div.edu");
    let unknown = browser.ask(Method::POST, "/bench/seats/999999/ticket", None).await?;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    Ok(())
}

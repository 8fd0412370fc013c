//! The pages in a real browser: Debian's Chromium, led by Playwright.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use black_box::{Apart, Binaries, Div, Login, Node, Target, Wamp, skipped};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

/// Where Debian's package puts the browser.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Lets people do a story in the browser, in which so many steps are told. The screenshots stay, for
/// people to look at.
async fn story(script: &str, steps: usize) -> Result<()> {
    story_of(|| Ok(vec![Binaries::get()?.service.clone()]), script, steps, &[]).await
}

/// The same with other programs than the service, or with variables for it.
async fn story_of(
    programs: impl FnOnce() -> Result<Vec<PathBuf>>,
    script: &str,
    steps: usize,
    variables: &[(&str, String)],
) -> Result<()> {
    let Some(node) = Node::with(&["playwright-core", "axe-core"]).await? else { return Ok(()) };
    if !Path::new(CHROMIUM).exists() {
        return skipped("BLACK_BOX_NODE", &format!("`{CHROMIUM}` is missing, install it"));
    }
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    let dir =
        dir.join(if variables.is_empty() { script.to_owned() } else { format!("{script}-apart") });
    if dir.exists() {
        fs::remove_dir_all(&dir).context("removing the last story")?;
    }
    fs::create_dir_all(&dir).context("making a directory for the story")?;
    let mut paths = programs()?;
    paths.push(dir);
    let paths = paths.iter().map(|path| path.to_str().context("a path is no text"));
    let paths = paths.collect::<Result<Vec<_>>>()?;
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
    let played = node.run_with(&format!("{script}.mjs"), &paths, &variables).await?;
    assert_eq!(played.code, Some(0), "{}\n{}", played.stdout, played.stderr);
    assert_eq!(played.stdout.matches("ok   ").count(), steps, "{}", played.stdout);
    Ok(())
}

#[tokio::test]
async fn a_class_plays_in_chromium() -> Result<()> {
    story("class", 20).await
}

#[tokio::test]
async fn a_class_plays_in_chromium_with_a_router_apart() -> Result<()> {
    let router = Apart::ours().await?;
    let service = || Ok(vec![Binaries::get()?.service.clone()]);
    story_of(service, "class", 20, &router.variables()).await
}

#[tokio::test]
async fn a_lesson_begins_with_a_new_run_in_chromium() -> Result<()> {
    story("lesson", 13).await
}

#[tokio::test]
async fn the_pages_are_played_behind_nginx_in_chromium() -> Result<()> {
    for program in ["/usr/sbin/nginx", "/usr/bin/openssl"] {
        if !Path::new(program).exists() {
            return skipped("BLACK_BOX_NODE", &format!("`{program}` is missing, install it"));
        }
    }
    story("proxy", 4).await
}

#[tokio::test]
async fn the_staff_watch_a_service_in_chromium() -> Result<()> {
    story("monitor", 9).await
}

/// A browser's requests, with the cookie that it was given.
struct Browser {
    http: Client,
    origin: String,
    cookie: String,
}

impl Browser {
    fn new(div: &Div) -> Result<Self> {
        let origin = div.service.page_url().to_owned();
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
        Wamp::login(&div.service.ws_url(), Login::Ticket { authid, ticket }).await
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
    assert!(Wamp::login(&div.service.ws_url(), other).await.is_err());

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

async fn a_leader_opens_a_run_and_seats_people_by_a_list(target: Target) -> Result<()> {
    let div = Div::start_on(target, &[]).await?;
    div.environment("default").await?;
    let mut leader = Browser::new(&div)?;
    assert_eq!(leader.sign_in("leader@div.edu", "leader").await?, StatusCode::NO_CONTENT);
    let game = leader.session().await?["games"][0]["slug"].clone();
    let run = json!({"game": game, "name": "Friday", "worlds": ["Red", "Blue"]});
    let made = leader.ask(Method::POST, "/runs", Some(run.clone())).await?;
    assert_eq!(made.status(), StatusCode::CREATED);
    let run_pk = made.json::<Value>().await?["run"].clone();
    let members = format!("/runs/{run_pk}/members");
    let people = json!([
        {"email": "ann@div.example", "world": "Blue", "role": "Divisor"},
        {"email": "s1@div.edu"},
        {"email": "bo@div.example", "world": "Green"},
    ]);
    let enrolled = leader.ask(Method::POST, &members, Some(people)).await?;
    let enrolled: Value = enrolled.error_for_status()?.json().await?;
    assert_eq!(enrolled, json!({"added": 3, "moved": 0, "kept": 0, "worlds": 1}));
    let nobody = json!([{"email": "cem@div.example", "role": "Referee"}]);
    let refused = leader.ask(Method::POST, &members, Some(nobody)).await?;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);

    // The seats can be played at once, by whoever has an account and by whoever is invited.
    let mut wamp = leader.join(&div).await?;
    let uri = format!("{}.model.run.{run_pk}.join_code", div.root);
    let code = wamp.call(&uri, json!([])).await?.value()?;
    let path = format!("/join/{}", code.as_str().context("no code")?);
    let ann = Browser::new(&div)?;
    let newcomer = |password: &str| Some(json!({"login": "ann@div.example", "password": password}));
    let joined = ann.ask(Method::POST, &path, newcomer("secret")).await?;
    assert_eq!(joined.status(), StatusCode::NO_CONTENT);
    let again = ann.ask(Method::POST, &path, newcomer("guess")).await?;
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
    for (login, password, role) in
        [("ann@div.example", "secret", "Divisor"), ("s1@div.edu", "s1", "Dividend")]
    {
        let mut browser = Browser::new(&div)?;
        assert_eq!(browser.sign_in(login, password).await?, StatusCode::NO_CONTENT);
        let session = browser.session().await?;
        let seats = session["games"][0]["seats"].as_array().context("no seats")?;
        let seat = seats.iter().find(|it| it["run"] == run_pk).context("no seat in the run")?;
        let mut page = browser.join(&div).await?;
        let uri = format!("{}.model.runuser.{}.get_scope", div.root, seat["runuser"]);
        let own = page.call(&uri, json!([])).await?.value()?;
        assert_eq!(own["data"]["role_name"], role, "{own}");
    }

    // An invited account that was given a password otherwise is nobody else's, where that is known.
    if target == Target::Embedded {
        let [bo] = &div.rest.list("users/?email=bo@div.example").await?[..] else {
            anyhow::bail!("there is one account")
        };
        div.change(&format!("users/{}/", bo["id"]), &json!({"password": "hers"})).await?;
        let thief = json!({"login": "bo@div.example", "password": "his"});
        let refused = Browser::new(&div)?.ask(Method::POST, &path, Some(thief)).await?;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }

    // Who leads nothing opens nothing, and changes no run of others.
    let mut player = Browser::new(&div)?;
    player.sign_in("s1@div.edu", "s1").await?;
    let refused = player.ask(Method::POST, "/runs", Some(run)).await?;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let active = format!("/runs/{run_pk}/active");
    let sleep = || Some(json!({"active": false}));
    let refused = player.ask(Method::PUT, &active, sleep()).await?;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let slept = leader.ask(Method::PUT, &active, sleep()).await?;
    assert_eq!(slept.status(), StatusCode::NO_CONTENT);
    let led: Value = leader.ask(Method::GET, "/runs", None).await?.json().await?;
    let friday = led["runs"].as_array().and_then(|runs| runs.iter().find(|it| it["run"] == run_pk));
    assert_eq!(friday.map(|it| &it["active"]), Some(&json!(false)));
    Ok(())
}

async fn the_staff_see_the_service_and_nothing_secret_of_it(target: Target) -> Result<()> {
    let div = Div::start_on(target, &[]).await?;
    let environment = div.environment("default").await?;
    let mut leader = div.login("leader@div.edu").await?;
    let run = format!("{}.model.run.{}", div.root, environment.run);
    let code = leader.call(&format!("{run}.join_code"), json!([])).await?.value()?;
    let code = code.as_str().context("no code")?;
    let path = format!("/monitor/runs/{}", environment.run);

    let mut player = Browser::new(&div)?;
    assert_eq!(player.sign_in("s1@div.edu", "s1").await?, StatusCode::NO_CONTENT);
    for path in ["/monitor/status", &path, &format!("{path}/events")] {
        assert_eq!(player.ask(Method::GET, path, None).await?.status(), StatusCode::FORBIDDEN);
    }
    leader.call(&format!("{}.model.run.999.get_run_data", div.root), json!([])).await?;

    let mut staff = Browser::new(&div)?;
    assert_eq!(staff.sign_in("simpl@simpl.world", "simpl").await?, StatusCode::NO_CONTENT);
    let status: Value = staff.ask(Method::GET, "/monitor/status", None).await?.json().await?;
    assert_eq!(status["problems"], json!([]));
    let is_embedded = !matches!(target, Target::GamesApi | Target::Original);
    assert_eq!(status["webhooks"].is_null(), !is_embedded);
    let leads = &environment.runusers["leader@div.edu"];
    let sessions = status["sessions"]["list"].as_array().context("no sessions")?;
    let own = sessions.iter().find(|it| it["email"] == "leader@div.edu").context("no leader")?;
    assert_eq!(own["authid"], leads["user"].to_string());
    // Crossbar.io does not tell since when.
    assert!(own["joined"].is_string() || target == Target::Crossbar, "{own}");
    let run = &status["games"][0]["runs"][0];
    assert_eq!((&run["id"], &run["worlds"]), (&json!(environment.run), &json!(2)));
    assert_eq!((&run["members"], &run["online"]), (&json!(5), &json!(1)));
    let failed = &status["failures"][0];
    assert_eq!(
        (&failed["error"], &failed["email"]),
        (&json!("wamp.error.not_authorized"), &json!("leader@div.edu"))
    );

    let tree = staff.ask(Method::GET, &path, None).await?.text().await?;
    let shown: Value = serde_json::from_str(&tree)?;
    assert_eq!(shown["tree"]["children"].as_array().map(Vec::len), Some(7));
    assert!(!tree.contains("_join") && !tree.contains("password"), "{tree}");
    assert!(!tree.contains(code) && !status.to_string().contains(code));
    Ok(())
}

tests_on!(
    every,
    [
        a_leader_opens_a_run_and_seats_people_by_a_list,
        the_staff_see_the_service_and_nothing_secret_of_it,
        whoever_signs_in_joins_by_a_ticket_until_signing_out,
        a_newcomer_with_a_code_gets_an_account_and_a_seat,
    ]
);

#[tokio::test]
async fn staff_play_as_everybody_on_the_bench_in_chromium() -> Result<()> {
    story("bench", 10).await
}

#[tokio::test]
async fn the_examples_are_played_on_the_generic_pages_in_chromium() -> Result<()> {
    let programs = || ["blackjack", "market"].into_iter().map(Binaries::example).collect();
    story_of(programs, "examples", 13, &[]).await
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
    let mut page = Wamp::login(&div.service.ws_url(), Login::Ticket { authid, ticket }).await?;
    let uri = div.uri(&format!("runuser.{}.get_scope", runuser["id"]));
    let own = page.call(&uri, json!([])).await?.value()?;
    assert_eq!(own["data"]["email"], "s2@div.edu");
    let unknown = browser.ask(Method::POST, "/bench/seats/999999/ticket", None).await?;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    Ok(())
}

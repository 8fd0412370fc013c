//! The pages' addresses, as a browser asks for them.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use futures_util::stream::{self, BoxStream, StreamExt};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    BenchGame, BenchMember, BenchRun, BenchWorld, Enrolled, Entrant, Games, LedRun, NewRun,
    Newcomer, Person, Refused, RunEvent, Seat, Site, router,
};

/// A service with one person, who plays in one run.
struct One;

#[async_trait]
impl Site for One {
    async fn sign_in(&self, _: Option<IpAddr>, login: &str, word: &str) -> Result<String, Refused> {
        match (login, word) {
            ("s1@div.edu", "s1") => Ok("key1".to_owned()),
            ("down", _) => Err(Refused::Unavailable),
            _ => Err(Refused::Credentials("unknown user or wrong password".to_owned())),
        }
    }

    async fn person(&self, session: &str) -> Option<Person> {
        let staff = session == "key2";
        (session == "key1" || staff).then(|| Person {
            id: 3,
            email: "s1@div.edu".to_owned(),
            first_name: "</script><b>".to_owned(),
            last_name: String::new(),
            staff,
        })
    }

    async fn sign_out(&self, _: &str) {}

    fn ticket(&self, person: &Person) -> String {
        format!("ticket of {}", person.id)
    }

    async fn run_of(&self, _: Option<IpAddr>, code: &str) -> Option<String> {
        (code == "1-AAAA").then(|| "Monday".to_owned())
    }

    async fn sign_up(
        &self,
        from: Option<IpAddr>,
        _: &str,
        newcomer: Newcomer,
    ) -> Result<String, Refused> {
        self.sign_in(from, &newcomer.login, &newcomer.password).await
    }

    async fn take_seat(&self, _: &str, person: &Person) -> Result<(), Refused> {
        match person.id {
            3 => Ok(()),
            _ => Err(Refused::Seat("all seats are taken".to_owned())),
        }
    }

    async fn led(&self, _: &Person) -> Result<(Vec<String>, Vec<LedRun>), Refused> {
        let (game, name) = ("div".to_owned(), "Monday".to_owned());
        Ok((vec![game.clone()], vec![LedRun { game, run: 1, name, active: true }]))
    }

    async fn open_run(&self, _: &Person, run: NewRun) -> Result<i64, Refused> {
        match run.worlds.len() {
            2 => Ok(7),
            _ => Err(Refused::Invalid("two worlds, please".to_owned())),
        }
    }

    async fn set_active(&self, _: &Person, run: i64, _: bool) -> Result<(), Refused> {
        if run == 1 { Ok(()) } else { Err(Refused::Forbidden) }
    }

    async fn enrol(&self, _: &Person, _: i64, entrants: Vec<Entrant>) -> Result<Enrolled, Refused> {
        Ok(Enrolled { added: entrants.len(), ..Enrolled::default() })
    }

    fn realm(&self) -> &str {
        "realm1"
    }

    fn router(&self) -> Option<&str> {
        Some("ws://router.example/ws")
    }

    fn games(&self, _: &Person) -> Vec<Games> {
        let seats = vec![Seat { run: 1, runuser: 2 }];
        let (slug, root) = ("div".to_owned(), "world.simpl.sims.div".to_owned());
        vec![Games { slug, root, seats, view: true }]
    }

    fn view(&self, slug: &str) -> Option<&'static str> {
        (slug == "div").then_some("export default {};")
    }

    fn bench(&self) -> Vec<BenchGame> {
        let name = || "World 1".to_owned();
        let member = BenchMember {
            runuser: 2,
            world: Some(4),
            role: Some("Divisor".to_owned()),
            leader: false,
            name: "Student2".to_owned(),
        };
        let worlds = vec![BenchWorld { id: 4, name: name() }];
        let run = BenchRun { id: 1, name: "default".to_owned(), worlds, members: vec![member] };
        let (slug, root) = ("div".to_owned(), "world.simpl.sims.div".to_owned());
        vec![BenchGame { slug, root, view: true, runs: vec![run] }]
    }

    fn ticket_of_seat(&self, runuser: i64, staff: &Person) -> Option<(i64, String)> {
        (runuser == 2).then(|| (7, format!("ticket of 7 for {}", staff.id)))
    }

    async fn status(&self) -> Value {
        json!({"problems": ["the game is not there"]})
    }

    fn tree(&self, run: i64) -> Option<String> {
        (run == 1).then(|| r#"{"seq":7,"tree":{}}"#.to_owned())
    }

    fn changes(&self, run: i64) -> Option<BoxStream<'static, RunEvent>> {
        let told = [RunEvent::Change(r#"{"seq":8}"#.to_owned()), RunEvent::Missed(2)];
        (run == 1).then(|| stream::iter(told).boxed())
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

async fn ask(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("host", "div.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = router(Arc::new(One)).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

const JSON: (&str, &str) = ("content-type", "application/json");
const SESSION: (&str, &str) = ("cookie", "sim_session=key1");
const STAFF: (&str, &str) = ("cookie", "sim_session=key2");
const LOGIN: &str = r#"{"login": " s1@div.edu ", "password": "s1"}"#;

#[tokio::test]
async fn whoever_knows_the_password_gets_a_cookie_that_scripts_cannot_read() {
    let answer = ask("POST", "/session", &[JSON], LOGIN).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let cookie = answer.header("set-cookie");
    assert_eq!(cookie, "sim_session=key1; HttpOnly; SameSite=Lax; Path=/");
    let proxied = ask("POST", "/session", &[JSON, ("x-forwarded-proto", "https")], LOGIN).await;
    assert!(proxied.header("set-cookie").contains("; Secure"));
}

#[tokio::test]
async fn a_refused_login_says_why() {
    let wrong = ask("POST", "/session", &[JSON], r#"{"login": "s1", "password": "x"}"#).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.json(), json!({"error": "unknown user or wrong password"}));
    assert!(wrong.headers.get("set-cookie").is_none());
    let down = ask("POST", "/session", &[JSON], r#"{"login": "down", "password": "x"}"#).await;
    assert_eq!(down.status, StatusCode::SERVICE_UNAVAILABLE);
    for (headers, body) in [(vec![JSON], "{"), (vec![], LOGIN), (vec![JSON], "{\"login\": 3}")] {
        assert_eq!(ask("POST", "/session", &headers, body).await.status, StatusCode::BAD_REQUEST);
    }
    let long = format!(r#"{{"login": "{}", "password": "x"}}"#, "a".repeat(5000));
    let answer = ask("POST", "/session", &[JSON], &long).await;
    assert!(answer.status.is_client_error());
}

#[tokio::test]
async fn other_sites_can_neither_log_in_nor_out_nor_get_a_ticket() {
    for headers in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")] {
        for (method, path) in
            [("POST", "/session"), ("DELETE", "/session"), ("POST", "/session/ticket")]
        {
            let answer = ask(method, path, &[JSON, SESSION, headers], LOGIN).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_session_tells_the_games_and_gives_tickets() {
    assert_eq!(ask("GET", "/session", &[], "").await.json(), Value::Null);
    let answer = ask("GET", "/session", &[SESSION], "").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let games = json!([{"slug": "div", "root": "world.simpl.sims.div",
                        "seats": [{"run": 1, "runuser": 2}], "view": true}]);
    assert_eq!(answer.json()["games"], games);
    assert_eq!(answer.json()["user"]["email"], "s1@div.edu");
    let ticket = ask("POST", "/session/ticket", &[SESSION], "").await;
    assert_eq!(
        ticket.json(),
        json!({
            "authid": "3", "ticket": "ticket of 3", "router": "ws://router.example/ws",
        })
    );
    let stranger = ask("POST", "/session/ticket", &[("cookie", "sim_session=x")], "").await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let out = ask("DELETE", "/session", &[SESSION], "").await;
    assert!(out.header("set-cookie").starts_with("sim_session=; Path=/; Max-Age=0"));
}

#[tokio::test]
async fn the_page_knows_who_is_here_and_allows_no_script_within() {
    let page = ask("GET", "/", &[SESSION], "").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    assert!(!page.header("content-security-policy").contains("unsafe"));
    let to = "connect-src 'self' ws://router.example/ws;";
    assert!(page.header("content-security-policy").contains(to));
    assert!(page.text().contains(r"\u003c/script>\u003cb>"), "{}", page.text());
    assert!(ask("GET", "/", &[], "").await.text().contains(r#""session":null"#));
}

#[tokio::test]
async fn a_join_link_shows_its_run_and_only_a_request_of_ours_takes_a_seat() {
    let page = ask("GET", "/join/1-AAAA", &[], "").await;
    assert!(page.text().contains(r#""join":{"code":"1-AAAA","run":"Monday"}"#), "{}", page.text());
    assert!(ask("GET", "/join/9-X", &[], "").await.text().contains(r#""run":null"#));
    let joined = ask("POST", "/join/1-AAAA", &[JSON], LOGIN).await;
    assert_eq!(joined.status, StatusCode::NO_CONTENT);
    assert!(joined.header("set-cookie").starts_with("sim_session=key1;"));
    assert_eq!(ask("POST", "/join/1-AAAA", &[SESSION], "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask("POST", "/join/1-AAAA", &[], "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("POST", "/join/9-X", &[JSON], LOGIN).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask("POST", "/join/1-AAAA", &[JSON], "{").await.status, StatusCode::BAD_REQUEST);
    let foreign = [JSON, SESSION, ("sec-fetch-site", "cross-site")];
    assert_eq!(ask("POST", "/join/1-AAAA", &foreign, LOGIN).await.status, StatusCode::FORBIDDEN);
    let picture = ask("GET", "/join/1-AAAA/qr.svg", &[], "").await;
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    assert!(picture.text().starts_with("<svg") && picture.text().contains("h1v1h-1z"));
}

#[tokio::test]
async fn files_are_sent_compressed_and_only_when_they_have_changed() {
    let plain = ask("GET", "/assets/app.js", &[], "").await;
    assert_eq!(plain.header("content-type"), "text/javascript; charset=utf-8");
    let gzip = ("accept-encoding", "gzip, br");
    let packed = ask("GET", "/assets/app.js", &[gzip], "").await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() < plain.body.len() / 2);
    let tag = plain.header("etag").to_owned();
    let again = ask("GET", "/assets/app.js", &[gzip, ("if-none-match", &tag)], "").await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    for path in ["/assets/index.html", "/assets/../Cargo.toml", "/assets/none.js", "/views/calc.js"]
    {
        assert_eq!(ask("GET", path, &[], "").await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(ask("GET", "/views/div.js", &[], "").await.text(), "export default {};");
}

#[tokio::test]
async fn the_first_screen_is_small() {
    let mut bytes = 0;
    let files = ["app.js", "words.js", "style.css", "vendor/htm-preact.js"];
    for path in ["/".to_owned()].into_iter().chain(files.map(|file| format!("/assets/{file}"))) {
        bytes += ask("GET", &path, &[("accept-encoding", "gzip")], "").await.body.len();
    }
    assert!(bytes < 60_000, "the sign-in page takes {bytes} bytes");
}

#[tokio::test]
async fn the_bench_is_for_staff_who_get_tickets_for_all_seats() {
    let staff = ("cookie", "sim_session=key2");
    for (method, path) in [("GET", "/bench/seats"), ("POST", "/bench/seats/2/ticket")] {
        let stranger = ask(method, path, &[], "").await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        let player = ask(method, path, &[SESSION], "").await;
        assert_eq!(player.status, StatusCode::FORBIDDEN, "{method} {path}");
        assert_eq!(player.json(), json!({"error": "this is for the staff of the service"}));
        let answer = ask(method, path, &[staff], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{method} {path}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let seats = ask("GET", "/bench/seats", &[staff], "").await;
    assert_eq!(
        seats.json()[0]["runs"][0],
        json!({"id": 1, "name": "default", "worlds": [{"id": 4, "name": "World 1"}],
               "members": [{"runuser": 2, "world": 4, "role": "Divisor", "leader": false,
                            "name": "Student2"}]})
    );
    let ticket = ask("POST", "/bench/seats/2/ticket", &[staff], "").await;
    let router = "ws://router.example/ws";
    let entry = json!({"authid": "7", "ticket": "ticket of 7 for 3", "router": router});
    assert_eq!(ticket.json(), entry);
    let unknown = ask("POST", "/bench/seats/3/ticket", &[staff], "").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let foreign = [staff, ("sec-fetch-site", "cross-site")];
    let foreign = ask("POST", "/bench/seats/2/ticket", &foreign, "").await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn leaders_open_runs_wake_them_and_seat_people() {
    for (method, path) in [
        ("GET", "/runs"),
        ("POST", "/runs"),
        ("PUT", "/runs/1/active"),
        ("POST", "/runs/1/members"),
    ] {
        let nobody = ask(method, path, &[JSON], "{}").await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    let mine = ask("GET", "/runs", &[SESSION], "").await.json();
    assert_eq!((&mine["games"], &mine["runs"][0]["name"]), (&json!(["div"]), &json!("Monday")));
    let run = |worlds: &str| format!(r#"{{"game": "div", "name": "Friday", "worlds": {worlds}}}"#);
    let made = ask("POST", "/runs", &[SESSION, JSON], &run(r#"["a", "b"]"#)).await;
    assert_eq!((made.status, made.json()), (StatusCode::CREATED, json!({"run": 7})));
    let refused = ask("POST", "/runs", &[SESSION, JSON], &run("[]")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.json()["error"], "two worlds, please");
    let sleep = |path| ask("PUT", path, &[SESSION, JSON], r#"{"active": false}"#);
    assert_eq!(sleep("/runs/1/active").await.status, StatusCode::NO_CONTENT);
    assert_eq!(sleep("/runs/2/active").await.status, StatusCode::FORBIDDEN);
    let seat = |kind: &'static str, body: &'static str| async move {
        ask("POST", "/runs/1/members", &[SESSION, ("content-type", kind)], body).await
    };
    let one = seat("application/json", r#"[{"email": "a@b"}]"#).await;
    assert_eq!((one.status, &one.json()["added"]), (StatusCode::OK, &json!(1)));
    let nobody = seat("application/json", r#"[{"email": "a@b"}, {"email": "nobody"}]"#).await;
    assert_eq!(nobody.status, StatusCode::BAD_REQUEST);
    assert_eq!(nobody.json()["error"], "`nobody` is no e-mail address");
    let list = seat("text/csv; charset=utf-8", "email;world\na@b;Red\nc@d;Red\n").await;
    assert_eq!((list.status, &list.json()["added"]), (StatusCode::OK, &json!(2)));
    let wrong = seat("text/csv", "email\nnobody\n").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.json()["error"], "line 2: `nobody` is no e-mail address");
}

#[tokio::test]
async fn what_the_monitor_shows_is_for_the_staff_only() {
    for path in ["/monitor/status", "/monitor/runs/1", "/monitor/runs/1/events"] {
        let nobody = ask("GET", path, &[], "").await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}");
        let stranger = ask("GET", path, &[("cookie", "sim_session=x")], "").await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{path}");
        let player = ask("GET", path, &[SESSION], "").await;
        assert_eq!(player.status, StatusCode::FORBIDDEN, "{path}");
        let staff = ask("GET", path, &[STAFF], "").await;
        assert_eq!(staff.status, StatusCode::OK, "{path}");
        assert_eq!(staff.header("cache-control"), "no-store", "{path}");
    }
    let status = ask("GET", "/monitor/status", &[STAFF], "").await;
    assert_eq!(status.json()["problems"][0], "the game is not there");
    let tree = ask("GET", "/monitor/runs/1", &[STAFF], "").await;
    assert_eq!((tree.header("content-type"), &tree.json()["seq"]), ("application/json", &json!(7)));
    for path in ["/monitor/runs/2", "/monitor/runs/2/events"] {
        assert_eq!(ask("GET", path, &[STAFF], "").await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn onlookers_are_sent_changes_and_told_when_they_are_too_slow() {
    let answer = ask("GET", "/monitor/runs/1/events", &[STAFF], "").await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let told = "event: change\ndata: {\"seq\":8}\n\nevent: missed\ndata: 2\n\n";
    assert_eq!(answer.text(), told);
}

#[tokio::test]
async fn the_monitor_is_not_loaded_on_the_page_for_players() {
    for file in ["app.js", "play.js", "player.js", "leader.js", "model.js", "parts.js"] {
        let text = ask("GET", &format!("/assets/{file}"), &[], "").await.text().to_owned();
        assert!(!text.contains("/assets/monitor"), "{file}");
    }
}

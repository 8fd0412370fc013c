//! Requests beyond every limit: they are refused in a sentence, and the service goes on.

use anyhow::{Context, Result};
use black_box::{Binaries, Database, Games, RawAnswer, RawHttp, Rest};
use reqwest::Method;
use serde_json::{Value, json};

/// The largest body, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// A running service with a game, and what its journal holds so far.
struct Scene {
    games: Games,
    rest: Rest,
    seq: u64,
}

impl Scene {
    async fn start(database: &Database) -> Result<Self> {
        let dir = tempfile::tempdir().context("making a directory for the service")?;
        let games = Games::start(Binaries::get()?, database, dir).await?;
        let rest = Rest::staff(games.api_url())?;
        rest.create("games/", &json!({"name": "Limits", "slug": "limits"})).await?;
        let seq = last_change(&rest).await?;
        Ok(Self { games, rest, seq })
    }

    async fn connect(&self) -> Result<RawHttp> {
        RawHttp::connect(self.games.api_url()).await
    }

    /// Nothing was stored meanwhile, and the service answers.
    async fn nothing_happened(&self) -> Result<()> {
        assert_eq!(last_change(&self.rest).await?, self.seq, "something was stored");
        assert_eq!(self.rest.get("games/limits/").await?["name"], "Limits");
        let log = self.games.stderr().join("\n");
        assert!(!log.contains("panicked") && !log.contains(" ERROR "), "{log}");
        Ok(())
    }

    /// Sends one request on a connection of its own and returns its answer.
    async fn exchange(&self, line: &str, body: &[u8]) -> Result<RawAnswer> {
        let mut http = self.connect().await?;
        http.send(http.request(line, body)).await?;
        http.answer().await
    }
}

/// The number of the last change in the journal.
async fn last_change(rest: &Rest) -> Result<u64> {
    let changes = rest.get("changes/?limit=5000").await?;
    let last = changes.as_array().and_then(|all| all.last()).context("an empty journal")?;
    last["seq"].as_u64().context("a change without number")
}

/// The sentences of a refusal, whichever field they belong to.
fn sentences(told: &Value) -> Vec<String> {
    match told {
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all.iter().flat_map(sentences).collect(),
        Value::Object(fields) => fields.values().flat_map(sentences).collect(),
        _ => Vec::new(),
    }
}

#[track_caller]
fn is_refused(answer: &RawAnswer, status: u16, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.body);
    let told = sentences(&answer.json());
    assert!(!told.is_empty(), "{what}: refused without a word: `{}`", answer.body);
    for sentence in told {
        assert!(sentence.contains(' ') && sentence.len() < 300, "{what}: {sentence}");
    }
}

async fn a_body_above_the_limit_is_refused_and_the_answer_can_be_read(
    database: Database,
) -> Result<()> {
    let scene = Scene::start(&database).await?;
    for size in [BODY_LIMIT + 1, 4 * BODY_LIMIT, 20 * BODY_LIMIT] {
        let name = "x".repeat(size - r#"{"name":""}"#.len());
        let body = format!(r#"{{"name":"{name}"}}"#);
        let mut http = scene.connect().await?;
        http.send(http.request("POST /apis/games/", body.as_bytes())).await?;
        let answer = http.answer().await.with_context(|| format!("{size} bytes"))?;
        is_refused(&answer, 413, &format!("{size} bytes"));
        still_usable_or_closed(http).await?;
    }
    scene.nothing_happened().await
}

/// The connection answers a next request, or was closed in order.
async fn still_usable_or_closed(mut http: RawHttp) -> Result<()> {
    http.send(http.head("GET /apis/games/limits/", &[])).await?;
    match http.answer().await {
        Ok(answer) => assert_eq!(answer.status, 200, "{}", answer.body),
        Err(error) => assert_eq!(error.to_string(), "closed without an answer"),
    }
    Ok(())
}

async fn a_body_without_announced_length_is_bounded_too(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    let mut http = scene.connect().await?;
    let headers = ["Content-Type: application/json", "Transfer-Encoding: chunked"];
    http.send(http.head("POST /apis/games/", &headers)).await?;
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    for _ in 0..=(BODY_LIMIT / 0x10000) {
        http.send(&chunk).await?;
    }
    http.send("0\r\n\r\n").await?;
    is_refused(&http.answer().await?, 413, "chunks");
    still_usable_or_closed(http).await?;
    scene.nothing_happened().await
}

async fn an_announced_body_above_the_limit_is_not_waited_for(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    let mut http = scene.connect().await?;
    let length = format!("Content-Length: {}", u64::MAX / 2);
    let headers = ["Content-Type: application/json", &length, "Expect: 100-continue"];
    http.send(http.head("POST /apis/games/", &headers)).await?;
    is_refused(&http.answer().await?, 413, "announced");
    http.closed().await?;
    scene.nothing_happened().await
}

async fn who_is_refused_before_the_body_is_read_still_reads_why(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    let body = vec![b' '; BODY_LIMIT];
    let length = format!("Content-Length: {}", body.len());
    for (line, account, status) in [
        ("POST /apis/games/", "Basic nonsense", 401),
        ("POST /apis/games/", "", 401),
        ("POST /apis/nothing/", "", 404),
    ] {
        let mut http = scene.connect().await?;
        let host = "Host: localhost";
        let head =
            format!("{line} HTTP/1.1\r\n{host}\r\nAuthorization: {account}\r\n{length}\r\n\r\n");
        http.send([head.as_bytes(), &body].concat()).await?;
        let answer = http.answer().await.with_context(|| format!("{line} {status}"))?;
        is_refused(&answer, status, line);
        still_usable_or_closed(http).await?;
    }
    scene.nothing_happened().await
}

async fn a_slow_body_keeps_nobody_else_waiting(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    let mut http = scene.connect().await?;
    let request = http.request("POST /apis/games/", br#"{"name": "Slow"}"#);
    for byte in request.chunks(1) {
        http.send(byte).await?;
        if byte == b"{" {
            // The body has begun; all others are served meanwhile, writes too.
            scene.rest.get("games/").await?;
            scene.rest.create("games/", &json!({"name": "Quick"})).await?;
        }
    }
    let answer = http.answer().await?;
    assert_eq!((answer.status, &answer.json()["slug"]), (201, &json!("slow")), "{}", answer.body);
    Ok(())
}

async fn a_body_that_ends_too_early_stores_nothing(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    let mut http = scene.connect().await?;
    let headers = ["Content-Type: application/json", "Content-Length: 100"];
    http.send(http.head("POST /apis/games/", &headers)).await?;
    http.send(r#"{"name": "Half"}"#).await?;
    drop(http);
    scene.nothing_happened().await
}

async fn a_page_has_a_largest_size(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    let game = scene.rest.get("games/limits/").await?["id"].clone();
    let phases: Vec<Value> =
        (0..5001).map(|number| json!({"game": game, "name": format!("{number}")})).collect();
    scene.rest.create("bulk/phases/", &json!(phases)).await?;
    for size in ["5001", "1000000", "18446744073709551615"] {
        let answer = scene.exchange(&format!("GET /apis/phases/?page_size={size}"), b"").await?;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json().as_array().map(Vec::len), Some(5000), "page_size={size}");
        let link = answer.header("link").unwrap_or_default();
        assert!(link.contains("page=2") && link.ends_with("rel=\"next\""), "{link}");
    }
    for size in ["0", "-1", "x", "99999999999999999999999"] {
        let answer = scene.exchange(&format!("GET /apis/phases/?page_size={size}"), b"").await?;
        assert_eq!(answer.json().as_array().map(Vec::len), Some(500), "page_size={size}");
    }
    Ok(())
}

async fn who_guesses_is_slowed_down_and_nobody_else(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    for name in ["guessed", "other"] {
        let user = json!({"email": format!("{name}@limits.test"), "password": name});
        scene.rest.create("users/", &user).await?;
    }
    let base = scene.games.api_url();
    let guesser = Rest::new(base, "guessed@limits.test", "wrong")?;
    let own = "users/?email=guessed@limits.test";
    for _ in 0..10 {
        assert_eq!(guesser.send(Method::GET, own, None).await?.status, 401);
    }
    // Neither another guess nor, for a while, the right password; nor another way to log in.
    let right = Rest::new(base, "Guessed@limits.test", "guessed")?;
    for client in [&guesser, &right] {
        let limited = client.send(Method::GET, own, None).await?;
        assert_eq!(limited.status, 429, "{limited:?}");
    }
    let check = br#"{"email": "guessed@limits.test", "password": "guessed"}"#;
    let mut http = scene.connect().await?;
    let length = format!("Content-Length: {}", check.len());
    let head = format!(
        "POST /apis/authcheck/ HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\
                        Content-Type: application/json\r\n\r\n"
    );
    http.send([head.as_bytes(), check].concat()).await?;
    let answer = http.answer().await?;
    is_refused(&answer, 429, "the login check");
    let wait: u64 = answer.header("retry-after").context("no Retry-After")?.parse()?;
    assert!((1..=60).contains(&wait), "{wait}");

    let other = Rest::new(base, "other@limits.test", "other")?;
    assert_eq!(other.list("users/?email=other@limits.test").await?.len(), 1);
    scene.rest.get("games/").await?;
    Ok(())
}

async fn large_headers_and_addresses_are_refused(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    let large = format!("X-Large: {}", "x".repeat(40_000));
    let mut http = scene.connect().await?;
    http.send(http.head("GET /apis/games/", &[&large])).await?;
    is_refused(&http.answer().await?, 431, "a header of 40 kB");
    let many: Vec<String> = (0..90).map(|n| format!("X-{n}: {}", "x".repeat(500))).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    http.send(http.head("GET /apis/games/", &many)).await?;
    is_refused(&http.answer().await?, 431, "many headers");
    for (method, path) in [("GET", "games/?name="), ("DELETE", "bulk/phases/?name=")] {
        let line = format!("{method} /apis/{path}{}", "x".repeat(20_000));
        is_refused(&scene.exchange(&line, b"").await?, 414, "an address of 20 kB");
    }
    let line = format!("GET /apis/games/?{}", "a&".repeat(5000));
    is_refused(&scene.exchange(&line, b"").await?, 400, "many parameters");
    scene.nothing_happened().await
}

async fn what_is_no_request_any_more_ends_its_connection_only(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    let query = format!("GET /apis/games/?name={}", "x".repeat(100_000));
    let huge = format!("X-Huge: {}", "x".repeat(1_000_000));
    for (line, header, status) in [
        (query.as_str(), "X: y", 414),
        ("GET /apis/games/", huge.as_str(), 431),
        ("GET /apis/games/", "no colon", 400),
        ("GET /apis/games/\u{7}", "X: y", 400),
        ("POST /apis/games/", "Content-Length: -1", 400),
        ("POST /apis/games/", "Content-Length: 1\r\nContent-Length: 2", 400),
        ("POST /apis/games/", "Transfer-Encoding: nonsense", 400),
    ] {
        let mut http = scene.connect().await?;
        http.send(http.head(line, &[header])).await?;
        // The HTTP library answers these by itself, without a body.
        let answer = http.answer().await.with_context(|| format!("{status}"))?;
        assert_eq!(answer.status, status, "{}", &line[..line.len().min(40)]);
    }
    scene.nothing_happened().await
}

async fn pipelined_requests_are_answered_in_their_order(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    let mut http = scene.connect().await?;
    let mut all = Vec::new();
    for number in 0..50 {
        let name = format!(r#"{{"name": "Game {number}"}}"#);
        all.extend(http.request("POST /apis/games/", name.as_bytes()));
        all.extend(http.request("POST /apis/games/", b"{\"name\": }"));
        all.extend(http.head(&format!("GET /apis/games/game-{number}/"), &[]).into_bytes());
    }
    http.send(&all).await?;
    for number in 0..50 {
        let created = http.answer().await?;
        assert_eq!(
            (created.status, &created.json()["name"]),
            (201, &json!(format!("Game {number}")))
        );
        is_refused(&http.answer().await?, 400, "no JSON");
        assert_eq!(http.answer().await?.json(), created.json());
    }
    Ok(())
}

async fn bodies_that_are_no_good_are_refused_in_a_sentence(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    let deep =
        |open: &str, close: &str, depth| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    let with = |data: &str| format!(r#"{{"name": "Bad", "data": {data}}}"#).into_bytes();
    let bodies = [
        ("a lone surrogate", with(r#""\ud800""#)),
        ("a lone surrogate in a key", with(r#"{"\udfff": 1}"#)),
        ("swapped surrogates", with(r#""\udc00\ud800""#)),
        ("no UTF-8", [&br#"{"name": "Bad"#[..], &[0xff, 0xfe], br#""}"#].concat()),
        (
            "a surrogate as bytes",
            [&br#"{"name": "Bad"#[..], &[0xed, 0xa0, 0x80], br#""}"#].concat(),
        ),
        ("NUL in a name", br#"{"name": "Bad\u0000"}"#.to_vec()),
        ("NUL in data", with(r#"{"a": ["b\u0000"]}"#)),
        ("NUL in a key of data", with(r#"{"a\u0000": 1}"#)),
        ("NUL as a byte", b"{\"name\": \"Bad\0\"}".to_vec()),
        ("1e999", with("1e999")),
        ("-1e999", with("[-1e999]")),
        ("NaN", with("NaN")),
        ("Infinity", with("-Infinity")),
        ("a number of 400 digits", with(&"9".repeat(400))),
        ("deep arrays", with(&deep("[", "]", 100_000))),
        ("deep objects", with(&deep(r#"{"a":"#, "}", 100_000))),
        ("arrays of depth 100", with(&deep("[", "]", 100))),
        ("half of it", br#"{"name": "Bad", "#.to_vec()),
        ("more behind it", br#"{"name": "Bad"} {}"#.to_vec()),
        ("no object", b"[1]".to_vec()),
        ("null", b"null".to_vec()),
        ("a long name", format!(r#"{{"name": "{}"}}"#, "x".repeat(100_000)).into_bytes()),
        ("a name that is a list", br#"{"name": ["Bad"]}"#.to_vec()),
        ("a slug of blanks", br#"{"name": "Bad", "slug": "a b"}"#.to_vec()),
    ];
    for (what, body) in &bodies {
        for line in ["POST /apis/games/", "PUT /apis/games/limits/", "PATCH /apis/games/limits/"] {
            is_refused(&scene.exchange(line, body).await?, 400, &format!("{line}: {what}"));
        }
    }
    for (what, body) in &bodies {
        let operation = [
            &br#"{"operations": [{"op": "create", "resource": "game", "fields": "#[..],
            body,
            b"}]}",
        ];
        is_refused(&scene.exchange("POST /apis/units/", &operation.concat()).await?, 400, what);
    }
    scene.nothing_happened().await
}

async fn data_that_is_accepted_can_be_read_by_everybody(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    let deepest = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let patch = |depth| format!(r#"{{"data": {}}}"#, deepest(depth)).into_bytes();
    let refused = scene.exchange("PATCH /apis/games/limits/", &patch(65)).await?;
    is_refused(&refused, 400, "65 levels");
    let stored = scene.exchange("PATCH /apis/games/limits/", &patch(64)).await?;
    assert_eq!(stored.status, 200, "{}", stored.body);
    // Each of these wraps the data once or twice more; clients give up at 128 levels.
    for path in ["games/", "games/limits/", "changes/"] {
        let told = scene.rest.get(path).await?;
        assert!(told.to_string().contains(&deepest(64)), "{path}");
    }
    Ok(())
}

async fn queries_that_are_no_good_are_refused_in_a_sentence(database: Database) -> Result<()> {
    let scene = Scene::start(&database).await?;
    for query in ["name=%00", "name=a%00b", "slug=%FF", "name=%ED%A0%80", "%FF=1"] {
        for line in ["GET /apis/games/?", "GET /apis/phases/?", "DELETE /apis/bulk/phases/?"] {
            let answer = scene.exchange(&format!("{line}{query}"), b"").await?;
            is_refused(&answer, 400, &format!("{line}{query}"));
        }
    }
    for (line, status) in [
        ("GET /apis/games/%00/", 404),
        ("GET /apis/games/%FF/", 404),
        ("GET /apis/runs/99999999999999999999/", 404),
        ("GET /apis/runs/?page=99999999999999999999", 404),
        ("GET /apis/runs/?page=9223372036854775807", 404),
        ("GET /apis/scenarios/?run=1e999", 400),
        ("GET /apis/changes/?after=-1", 400),
        ("GET /apis/changes/?game=%00", 400),
        ("BREW /apis/games/", 405),
    ] {
        is_refused(&scene.exchange(line, b"").await?, status, line);
    }
    for query in ["run=1e300", "order=99999999999999999999"] {
        let answer = scene.exchange(&format!("GET /apis/periods/?{query}"), b"").await?;
        assert_eq!((answer.status, answer.body.as_str()), (200, "[]"), "{query}");
    }
    let many = format!("GET /apis/phases/?ordering={}", "id,-name,".repeat(1500));
    assert_eq!(scene.exchange(&many, b"").await?.status, 200);
    scene.nothing_happened().await
}

/// Stamps each test into a module for each database.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() -> anyhow::Result<()> {
                super::$test(black_box::Database::Sqlite).await
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() -> anyhow::Result<()> {
                match black_box::Database::postgres_from_env()? {
                    Some(database) => super::$test(database).await,
                    None => Ok(()),
                }
            })+
        }
    };
}

on_both! {
    a_body_above_the_limit_is_refused_and_the_answer_can_be_read,
    a_body_without_announced_length_is_bounded_too,
    an_announced_body_above_the_limit_is_not_waited_for,
    who_is_refused_before_the_body_is_read_still_reads_why,
    a_slow_body_keeps_nobody_else_waiting,
    a_body_that_ends_too_early_stores_nothing,
    a_page_has_a_largest_size,
    who_guesses_is_slowed_down_and_nobody_else,
    large_headers_and_addresses_are_refused,
    what_is_no_request_any_more_ends_its_connection_only,
    pipelined_requests_are_answered_in_their_order,
    bodies_that_are_no_good_are_refused_in_a_sentence,
    data_that_is_accepted_can_be_read_by_everybody,
    queries_that_are_no_good_are_refused_in_a_sentence,
}

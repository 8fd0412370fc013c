//! Deliveries to real servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use sim_games_types::{Hook, Record, Resource};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::sender::signature;
use super::{WebhookState, is_wanted};
use crate::store::HookRow;
use crate::tests::fixture::{change, create, delete, small_game, unit};
use crate::tests::server::Schema;
use crate::{Database, GamesApi, Options, WebhookOptions};

/// Within what a test expects whatever it waits for.
const DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn of_a_subscribers_address_only_the_host_is_told() {
    let row = HookRow {
        pk: 3,
        event: "div.run.*".to_owned(),
        url: "https://user:secret@hooks.example:8443/in?key=secret".to_owned(),
        secret: Some("secret".to_owned()),
        delivered: 7,
        connected: true,
        erroring: false,
    };
    let state = WebhookState::new(row, 10);
    assert_eq!((state.host.as_str(), state.behind), ("hooks.example", 3));
    assert!(!format!("{state:?}").contains("secret"));
}

#[derive(Debug)]
struct Post {
    headers: HeaderMap,
    raw: Bytes,
    body: Value,
}

/// What a server answers: this status, or now and then a random 500.
#[derive(Clone)]
struct Desk {
    accepted: mpsc::Sender<Post>,
    refused: mpsc::Sender<()>,
    status: Arc<AtomicU16>,
    is_moody: bool,
}

struct Subscriber {
    url: String,
    accepted: mpsc::Receiver<Post>,
    refused: mpsc::Receiver<()>,
    status: Arc<AtomicU16>,
    _server: AbortOnDropHandle<()>,
}

async fn receive(State(desk): State<Desk>, headers: HeaderMap, raw: Bytes) -> (StatusCode, String) {
    let status = StatusCode::from_u16(desk.status.load(Ordering::SeqCst)).unwrap();
    if !status.is_success() || (desk.is_moody && rand::random::<u8>() < 64) {
        desk.refused.try_send(()).ok();
        let status = if status.is_success() { StatusCode::INTERNAL_SERVER_ERROR } else { status };
        return (status, "out of order ".repeat(200));
    }
    let body = serde_json::from_slice(&raw).unwrap();
    desk.accepted.send(Post { headers, raw, body }).await.unwrap();
    (StatusCode::ACCEPTED, String::new())
}

impl Subscriber {
    async fn start(is_moody: bool) -> Self {
        let (accepted, accepted_posts) = mpsc::channel(64);
        let (refused, refusals) = mpsc::channel(64);
        let status = Arc::new(AtomicU16::new(200));
        let desk = Desk { accepted, refused, status: Arc::clone(&status), is_moody };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/callback", listener.local_addr().unwrap());
        let app = axum::Router::new().route("/callback", post(receive)).with_state(desk);
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let _server = AbortOnDropHandle::new(server);
        Self { url, accepted: accepted_posts, refused: refusals, status, _server }
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    async fn next(&mut self) -> Post {
        tokio::time::timeout(DEADLINE, self.accepted.recv()).await.unwrap().unwrap()
    }

    async fn refusal(&mut self) {
        tokio::time::timeout(DEADLINE, self.refused.recv()).await.unwrap().unwrap();
    }

    async fn names(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            let body = self.next().await.body;
            names.push(format!("{} {}", body["event"].as_str().unwrap(), body["data"]["name"]));
        }
        names
    }
}

async fn open(directory: &TempDir) -> GamesApi {
    open_at(Database::Sqlite(directory.path().join("games.db"))).await
}

async fn open_at(database: Database) -> GamesApi {
    let webhooks = WebhookOptions {
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(20),
        note_every: Duration::from_millis(10),
        ..WebhookOptions::STANDARD
    };
    let api = GamesApi::open(Options { webhooks, ..Options::of(database) }).await.unwrap();
    api.start_webhooks().await.unwrap();
    api
}

async fn game() -> (TempDir, GamesApi) {
    let directory = TempDir::new().unwrap();
    let api = open(&directory).await;
    small_game(&api).await;
    (directory, api)
}

async fn subscribe(api: &GamesApi, fields: Value) -> i64 {
    let mut fields = fields;
    fields["user"] = json!(1);
    api.commit(unit([create(Resource::Hook, fields, Some(0))])).await.unwrap().references
        [&sim_games_types::Reference(0)]
}

async fn world(api: &GamesApi, name: &str) -> u64 {
    let create = create(Resource::World, json!({"name": name, "run": 1}), None);
    api.commit(unit([create])).await.unwrap().seq
}

async fn hook(api: &GamesApi, pk: i64) -> Hook {
    let stored = api.store().get(Resource::Hook, pk).await.unwrap().unwrap();
    let Record::Hook(hook) = &stored.record else { panic!("not a hook") };
    hook.clone()
}

/// Reads a subscription until it is in a state; there is no event that tells of it.
async fn hook_when(api: &GamesApi, pk: i64, holds: impl Fn(&Hook) -> bool) -> Hook {
    let start = Instant::now();
    loop {
        let found = hook(api, pk).await;
        if holds(&found) {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "{found:?}");
        tokio::task::yield_now().await;
    }
}

#[test]
fn subscriptions_ask_by_name_by_prefix_or_for_all() {
    for wanted in ["div.*", "div.run.*", "div.run.changed", "*"] {
        assert!(is_wanted(wanted, "div.run.changed"), "{wanted}");
    }
    for other in ["di*", "di.*", "divx.*", "div", "user.*", "div.world.*", "*.changed", ""] {
        assert!(!is_wanted(other, "div.run.changed"), "{other}");
    }
}

#[tokio::test]
async fn events_arrive_in_order_as_the_original_sent_them() {
    let (_directory, api) = game().await;
    let mut subscriber = Subscriber::start(false).await;
    subscribe(&api, json!({"event": "*", "url": subscriber.url})).await;
    let seq = world(&api, "World 2").await;
    let operations = [
        change(Resource::User, 2, json!({"first_name": "S", "external_id": "x"})),
        delete(Resource::World, 2),
    ];
    api.commit(unit(operations)).await.unwrap();
    let first = subscriber.next().await;
    assert_eq!(first.headers["content-type"], "application/json");
    assert!(!first.headers.contains_key("x-simpl-signature"));
    let body = first.body;
    assert_eq!((&body["event"], &body["seq"]), (&json!("div.world.created"), &json!(seq)));
    assert_eq!((&body["data"]["id"], &body["data"]["run_active"]), (&json!(2), &json!(true)));
    body["ref"].as_str().unwrap().parse::<uuid::Uuid>().unwrap();
    let user = subscriber.next().await.body;
    assert_eq!(user["event"], "user.changed");
    let told = json!({"id": 2, "email": "s1@div.edu", "first_name": "S", "last_name": ""});
    assert_eq!(user["data"], told);
    assert_eq!(subscriber.names(1).await, ["div.world.deleted \"World 2\""]);
    api.close().await;
}

#[tokio::test]
async fn an_event_has_one_reference_and_the_slug_of_its_time() {
    let (_directory, api) = game().await;
    let mut old = Subscriber::start(false).await;
    let mut new = Subscriber::start(false).await;
    subscribe(&api, json!({"event": "div.world.*", "url": old.url})).await;
    subscribe(&api, json!({"event": "*", "url": new.url})).await;
    old.answer(503);
    world(&api, "before").await;
    old.refusal().await;
    api.commit(unit([change(Resource::Game, 1, json!({"slug": "other"}))])).await.unwrap();
    world(&api, "after").await;
    old.answer(200);
    let (first, again) = (old.next().await.body, new.next().await.body);
    assert_eq!(first, again);
    assert_eq!(first["event"], "div.world.created");
    let expected = ["other.game.changed \"Div\"", "other.world.created \"after\""];
    assert_eq!(new.names(2).await, expected);
    api.close().await;
    assert!(old.accepted.try_recv().is_err(), "it asked for the old slug only");
}

#[tokio::test]
async fn a_failed_delivery_is_repeated_and_the_state_tells() {
    let (_directory, api) = game().await;
    let mut subscriber = Subscriber::start(false).await;
    subscriber.answer(418);
    let last = subscribe(&api, json!({"event": "div.*", "url": subscriber.url})).await;
    world(&api, "a").await;
    world(&api, "b").await;
    let failing = hook_when(&api, last, |it| it.erroring).await;
    assert_eq!((failing.connected, failing.last_error_status), (false, Some(418)));
    assert_eq!(failing.last_error_content.unwrap().len(), 1000);
    assert!(failing.last_error.is_some());
    subscriber.answer(200);
    let expected = ["div.world.created \"a\"", "div.world.created \"b\""];
    assert_eq!(subscriber.names(2).await, expected);
    let seq = api.last_seq().await.unwrap();
    let well = hook_when(&api, last, |it| it.connected && !it.erroring).await;
    assert_eq!(well.last_error_status, Some(418));
    assert_eq!(api.last_seq().await.unwrap(), seq, "a delivery is no change");
    api.close().await;
}

#[tokio::test]
async fn nothing_is_lost_when_the_service_restarts() {
    let (directory, api) = game().await;
    let mut subscriber = Subscriber::start(false).await;
    let pk = subscribe(&api, json!({"event": "div.*", "url": subscriber.url})).await;
    world(&api, "a").await;
    assert_eq!(subscriber.names(1).await, ["div.world.created \"a\""]);
    hook_when(&api, pk, |it| it.connected).await;
    subscriber.answer(500);
    world(&api, "b").await;
    subscriber.refusal().await;
    api.close().await;
    let path = directory.path().join("games.db");
    let silent = GamesApi::open(Options::new(path)).await.unwrap();
    world(&silent, "c").await;
    silent.close().await;
    subscriber.answer(200);
    let api = open(&directory).await;
    world(&api, "d").await;
    // The answer to `a` may have been cut off by the end, and then it comes once more.
    let mut names = subscriber.names(3).await;
    if names[0].contains("\"a\"") {
        names.remove(0);
        names.extend(subscriber.names(1).await);
    }
    let expected = ["\"b\"", "\"c\"", "\"d\""].map(|name| format!("div.world.created {name}"));
    assert_eq!(names, expected);
    api.close().await;
}

#[tokio::test]
async fn of_several_processes_on_one_database_one_delivers_and_another_takes_over() {
    let Some(schema) = Schema::create().await else { return };
    let first = open_at(Database::Postgres(schema.url())).await;
    let second = open_at(Database::Postgres(schema.url())).await;
    small_game(&first).await;
    let mut subscriber = Subscriber::start(false).await;
    subscribe(&second, json!({"event": "div.world.*", "url": subscriber.url})).await;
    let expected = |from: usize, to: usize| -> Vec<String> {
        (from..to).map(|it| format!("div.world.created \"{it}\"")).collect()
    };
    for number in 0..10 {
        let api = if number % 2 == 0 { &first } else { &second };
        world(api, &number.to_string()).await;
    }
    assert_eq!(subscriber.names(10).await, expected(0, 10), "each once and in order");
    let reached = second.last_seq().await.unwrap();
    let start = Instant::now();
    while second.store().hooks().await.unwrap()[0].delivered < reached {
        assert!(start.elapsed() < DEADLINE, "what was delivered is not noted");
        tokio::task::yield_now().await;
    }
    // The first has the turn, since it asked first.
    first.close().await;
    for number in 10..15 {
        world(&second, &number.to_string()).await;
    }
    assert_eq!(subscriber.names(5).await, expected(10, 15));
    assert!(subscriber.accepted.try_recv().is_err(), "nothing came twice");
    second.close().await;
}

#[tokio::test]
async fn deliveries_are_signed_with_the_secret_which_is_not_shown() {
    let (_directory, api) = game().await;
    let mut subscriber = Subscriber::start(false).await;
    let fields = json!({"event": "div.*", "url": subscriber.url, "secret": "key"});
    let pk = subscribe(&api, fields).await;
    world(&api, "a").await;
    let post = subscriber.next().await;
    assert_eq!(post.headers["x-simpl-signature"], signature("key", &post.raw).as_str());
    let stored = api.store().get(Resource::Hook, pk).await.unwrap().unwrap();
    assert!(!stored.json.contains("secret"), "{}", stored.json);
    let rows = api.store().hooks().await.unwrap();
    assert!(!format!("{rows:?}").contains("key"));
    api.close().await;
}

#[test]
fn the_signature_is_that_of_everybody_else() {
    // From the article on HMAC that everybody tries it with.
    let text = b"The quick brown fox jumps over the lazy dog";
    let known = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
    assert_eq!(signature("key", text), format!("sha256={known}"));
}

#[tokio::test]
async fn a_dead_subscriber_delays_no_other() {
    let (_directory, api) = game().await;
    // It takes connections and never answers.
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", dead.local_addr().unwrap());
    subscribe(&api, json!({"event": "*", "url": url})).await;
    let mut subscriber = Subscriber::start(false).await;
    subscribe(&api, json!({"event": "*", "url": subscriber.url})).await;
    let start = Instant::now();
    for number in 0..50 {
        world(&api, &format!("w{number}")).await;
        subscriber.next().await;
    }
    assert!(start.elapsed() < WebhookOptions::STANDARD.timeout);
    api.close().await;
}

#[tokio::test]
async fn a_changed_or_deleted_subscription_counts_at_once() {
    let (_directory, api) = game().await;
    let mut wrong = Subscriber::start(false).await;
    let mut right = Subscriber::start(false).await;
    wrong.answer(404);
    let pk = subscribe(&api, json!({"event": "div.*", "url": wrong.url})).await;
    world(&api, "a").await;
    wrong.refusal().await;
    api.commit(unit([change(Resource::Hook, pk, json!({"url": right.url}))])).await.unwrap();
    assert_eq!(right.names(1).await, ["div.world.created \"a\""]);
    api.commit(unit([delete(Resource::Hook, pk)])).await.unwrap();
    let mut other = Subscriber::start(false).await;
    subscribe(&api, json!({"event": "div.*", "url": other.url})).await;
    world(&api, "b").await;
    assert_eq!(other.names(1).await, ["div.world.created \"b\""]);
    api.close().await;
    assert!(right.accepted.try_recv().is_err(), "it was deleted");
}

#[tokio::test]
async fn a_changed_address_does_not_wait_for_the_old_one_to_time_out() {
    let (_directory, api) = game().await;
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", dead.local_addr().unwrap());
    let pk = subscribe(&api, json!({"event": "div.*", "url": url})).await;
    let mut right = Subscriber::start(false).await;
    let start = Instant::now();
    world(&api, "a").await;
    let _connection = tokio::time::timeout(DEADLINE, dead.accept()).await.unwrap().unwrap();
    api.commit(unit([change(Resource::Hook, pk, json!({"url": right.url}))])).await.unwrap();
    assert_eq!(right.names(1).await, ["div.world.created \"a\""]);
    assert!(start.elapsed() < WebhookOptions::STANDARD.timeout);
    api.close().await;
}

#[tokio::test]
async fn forbidden_targets_are_refused_when_they_are_registered() {
    let (_directory, api) = game().await;
    for url in ["http://169.254.169.254/latest", "http://[fe80::1]/", "ftp://model/"] {
        let fields = json!({"event": "*", "url": url, "user": 1});
        let refused = api.commit(unit([create(Resource::Hook, fields, None)])).await.unwrap_err();
        assert!(refused.to_string().contains("\"url\":["), "{refused}");
    }
    api.close().await;
}

#[tokio::test]
async fn a_thousand_commits_arrive_in_order_at_a_subscriber_that_often_fails() {
    const COMMITS: usize = 1000;
    let (_directory, api) = game().await;
    let mut subscriber = Subscriber::start(true).await;
    subscribe(&api, json!({"event": "div.world.*", "url": subscriber.url})).await;
    let position = Arc::new(AtomicU64::new(0));
    let writer = {
        let (api, position) = (api.clone(), Arc::clone(&position));
        tokio::spawn(async move {
            for number in 0..COMMITS {
                let seq = world(&api, &format!("w{number}")).await;
                position.store(seq, Ordering::SeqCst);
            }
        })
    };
    let mut last = 0;
    for number in 0..COMMITS {
        let body = subscriber.next().await.body;
        assert_eq!(body["data"]["name"], format!("w{number}"));
        let seq = body["seq"].as_u64().unwrap();
        assert!(seq > last);
        last = seq;
    }
    writer.await.unwrap();
    assert_eq!(last, position.load(Ordering::SeqCst));
    api.close().await;
}

//! On a Games API that behaves like the original: several requests, and webhooks.

use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use serde_json::{Value, json};
use sim::{Core, RemoteGames, Secret};
use std::net::SocketAddr;
use tempfile::TempDir;

use crate::fake::Fake;
use crate::support::{Player, Reserved, SLUG, Server, core, installed, remote};

struct Scene {
    fake: Fake,
    server: Server,
    dir: TempDir,
    run: i64,
    world: i64,
    scenario: i64,
    period: i64,
    users: [i64; 2],
}

impl Scene {
    async fn start() -> Self {
        let fake = Fake::default();
        let game = fake.insert("games", json!({"name": SLUG, "slug": SLUG, "data": {}}));
        let phase = fake.insert("phases", json!({"name": "Play", "game": game, "order": 1}));
        let run = json!({"name": "default", "game": game, "phase": phase, "data": {}});
        let run = fake.insert("runs", run);
        let world = fake.insert("worlds", json!({"name": "World 1", "run": run, "data": {}}));
        let scenario = json!({"name": "Scenario", "world": world, "data": {}});
        let scenario = fake.insert("scenarios", scenario);
        let period = json!({"scenario": scenario, "order": 1, "data": {}});
        let period = fake.insert("periods", period);
        let users = ["One", "Other"].map(|name| {
            let role = fake.insert("roles", json!({"name": name, "game": game, "data": {}}));
            let email = format!("{}@test.example", name.to_lowercase());
            let user = json!({"email": email, "password": name.to_lowercase()});
            let user = fake.insert("users", user);
            let member =
                json!({"user": user, "run": run, "world": world, "role": role, "role_name": name});
            fake.insert("runusers", member);
            user
        });
        let server = Server::start(Reserved::any(), fake.router());
        let dir = TempDir::new().unwrap();
        Self { fake, server, dir, run, world, scenario, period, users }
    }

    fn config(&self) -> RemoteGames {
        let callback_url = Some("http://127.0.0.1:9/callback".to_owned());
        RemoteGames { callback_url, ..remote(&self.server.url(), self.dir.path()) }
    }

    async fn core(&self) -> Core {
        let core = core(self.config()).await;
        installed(&core).await;
        core
    }

    async fn player(&self, core: &Core, index: usize) -> Player {
        Player::join(core, self.users[index], self.world).await
    }

    fn pending(&self) -> usize {
        let dir = self.dir.path().join("pending").join(SLUG);
        std::fs::read_dir(dir).map_or(0, Iterator::count)
    }
}

/// Sends a webhook and gives the status of the answer.
async fn send(core: &Core, from: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> u16 {
    use tower::ServiceExt;
    let mut request = Request::post("/callback");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let from: SocketAddr = format!("{from}:4000").parse().unwrap();
    let request = request.extension(ConnectInfo(from)).body(body.into()).unwrap();
    let router = core.callback_router().unwrap();
    router.oneshot(request).await.unwrap().status().as_u16()
}

async fn deliver(core: &Core, body: &str) {
    assert_eq!(send(core, "127.0.0.1", &[], body.to_owned()).await, 202);
}

#[tokio::test]
async fn two_players_finish_a_round_by_several_requests() {
    let scene = Scene::start().await;
    let core = scene.core().await;
    let mut one = scene.player(&core, 0).await;
    let other = scene.player(&core, 1).await;
    assert_eq!(one.submit(scene.period, 2).await.unwrap(), "ok");
    assert_eq!(other.submit(scene.period, 3).await.unwrap(), "ok");
    one.event("add_child", r#""sum":5"#).await;
    one.event("add_child", r#""order":2"#).await;
    assert_eq!(scene.fake.rows("decisions").len(), 2);
    assert_eq!(scene.fake.rows("results").len(), 1);
    assert_eq!(scene.pending(), 0);
    // All that the API tells of it afterwards is no news.
    let events: Vec<String> = scene.fake.0.lock().unwrap().events.clone();
    for event in events {
        deliver(&core, &event).await;
    }
    let last = scene.fake.change("worlds", scene.world, json!({"name": "Last"}));
    deliver(&core, &last).await;
    let (_, event) = one.next().await;
    assert_eq!(event[2]["name"], "Last");
    core.stop().await;
}

#[tokio::test]
async fn late_and_repeated_webhooks_do_no_harm() {
    let scene = Scene::start().await;
    let core = scene.core().await;
    let mut one = scene.player(&core, 0).await;
    let first = scene.fake.change("worlds", scene.world, json!({"name": "First"}));
    let second = scene.fake.change("worlds", scene.world, json!({"name": "Second"}));
    for body in [&second, &first, &second] {
        deliver(&core, body).await;
    }
    let decision = json!({"period": scene.period, "name": "late", "data": {}});
    let pk = scene.fake.insert("decisions", decision);
    let created = scene.fake.0.lock().unwrap().events.pop().unwrap();
    let deleted = scene.fake.delete("decisions", pk);
    deliver(&core, &deleted).await;
    deliver(&core, &created).await;
    // A period whose scenario was never told of is taken with it.
    let scenario = json!({"name": "New", "world": scene.world, "data": {}});
    let scenario = scene.fake.insert("scenarios", scenario);
    scene.fake.insert("periods", json!({"scenario": scenario, "order": 7, "data": {}}));
    let period = scene.fake.0.lock().unwrap().events.pop().unwrap();
    deliver(&core, &period).await;
    let seen = [one.next().await, one.next().await, one.next().await];
    let names: Vec<_> = seen.iter().map(|(name, event)| (name.as_str(), &event[1])).collect();
    let wanted = ["world", "scenario", "period"].map(Value::from);
    assert_eq!(
        names,
        [("update_child", &wanted[0]), ("add_child", &wanted[1]), ("add_child", &wanted[2])]
    );
    assert_eq!(seen[0].1[2]["name"], "Second");
    core.stop().await;
}

#[tokio::test]
async fn a_unit_that_was_saved_in_part_is_completed_wherever_it_broke_off() {
    for writes in 1..=2 {
        let scene = Scene::start().await;
        let core = scene.core().await;
        let one = scene.player(&core, 0).await;
        assert_eq!(one.submit(scene.period, 2).await.unwrap(), "ok");
        let other = scene.player(&core, 1).await;
        scene.fake.0.lock().unwrap().writes_left = Some(writes);
        let error = other.submit(scene.period, 3).await.unwrap_err();
        assert!(error.contains("not saved, try again"), "{error}");
        assert_eq!(scene.pending(), 1);
        // The process ends here; nothing of it is left but the intent.
        drop((one, other));
        core.stop().await;
        scene.fake.0.lock().unwrap().writes_left = None;
        let core = scene.core().await;
        assert_eq!(scene.pending(), 0);
        assert_eq!(scene.fake.rows("decisions").len(), 2, "after {writes}");
        assert_eq!(scene.fake.rows("results").len(), 1, "after {writes}");
        assert_eq!(scene.fake.rows("periods").len(), 2, "after {writes}");
        core.stop().await;
    }
}

#[tokio::test]
async fn what_no_webhook_told_is_found_by_comparing() {
    let scene = Scene::start().await;
    let resync_every = Duration::from_millis(50);
    let core = core(RemoteGames { resync_every, ..scene.config() }).await;
    installed(&core).await;
    let mut one = scene.player(&core, 0).await;
    scene.fake.change("worlds", scene.world, json!({"name": "Quietly"}));
    one.event("update_child", "Quietly").await;
    scene.fake.insert("periods", json!({"scenario": scene.scenario, "order": 5, "data": {}}));
    one.event("add_child", r#""order":5"#).await;
    scene.fake.change("runs", scene.run, json!({"active": false}));
    one.event("update_child", r#""active":false"#).await;
    scene.fake.change("runs", scene.run, json!({"active": true}));
    one.event("update_child", r#""active":true"#).await;
    core.stop().await;
}

#[tokio::test]
async fn the_api_may_go_away_and_the_game_may_appear_later() {
    let scene = Scene::start().await;
    let core = scene.core().await;
    let mut one = scene.player(&core, 0).await;
    let Scene { fake, server, dir: _dir, world, period, .. } = scene;
    let address = server.stop();
    let error = one.submit(period, 2).await.unwrap_err();
    assert!(error.contains("not saved, try again"), "{error}");
    fake.change("worlds", world, json!({"name": "Meanwhile"}));
    let _server = Server::start(address, fake.router());
    one.event("update_child", "Meanwhile").await;
    assert_eq!(one.submit(period, 2).await.unwrap(), "ok");
    core.stop().await;
}

#[tokio::test]
async fn a_game_that_is_created_by_a_webhook_is_installed() {
    let fake = Fake::default();
    let server = Server::start(Reserved::any(), fake.router());
    let dir = TempDir::new().unwrap();
    let callback_url = Some("http://127.0.0.1:9/callback".to_owned());
    let core = core(RemoteGames { callback_url, ..remote(&server.url(), dir.path()) }).await;
    fake.insert("games", json!({"name": SLUG, "slug": SLUG, "data": {}}));
    installed(&core).await;
    core.stop().await;
}

#[tokio::test]
async fn webhooks_must_be_whole_and_come_from_the_api() {
    let scene = Scene::start().await;
    let core = scene.core().await;
    let good = scene.fake.change("worlds", scene.world, json!({"name": "Good"}));
    let home = "127.0.0.1";
    assert_eq!(send(&core, home, &[], good[..good.len() / 2].to_owned()).await, 400);
    assert_eq!(send(&core, home, &[], "garbage").await, 400);
    assert_eq!(send(&core, home, &[], r#"{"event":"a.run.changed","ref":"1"}"#).await, 400);
    assert_eq!(send(&core, home, &[], vec![b' '; 5 * 1024 * 1024]).await, 413);
    assert_eq!(send(&core, "10.1.2.3", &[], good.clone()).await, 403);
    let foreign = r#"{"event":"other.run.changed","ref":"2","data":{}}"#;
    assert_eq!(send(&core, home, &[], foreign).await, 202);
    let unknown = r#"{"event":"moon.landed","ref":"3","data":{}}"#;
    assert_eq!(send(&core, home, &[], unknown).await, 202);
    assert_eq!(send(&core, home, &[], good).await, 202);
    core.stop().await;
}

#[tokio::test]
async fn with_a_secret_only_signed_webhooks_are_taken() {
    use hmac::{Hmac, KeyInit, Mac};
    let scene = Scene::start().await;
    let callback_secret = Some(Secret::new("geheim"));
    let core = core(RemoteGames { callback_secret, ..scene.config() }).await;
    let body = scene.fake.change("worlds", scene.world, json!({"name": "Good"}));
    let sign = |secret: &str| {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    };
    let (right, wrong) = (sign("geheim"), sign("geraten"));
    assert_eq!(send(&core, "127.0.0.1", &[], body.clone()).await, 401);
    let name = "X-Simpl-Signature";
    assert_eq!(send(&core, "127.0.0.1", &[(name, &wrong)], body.clone()).await, 401);
    assert_eq!(send(&core, "10.1.2.3", &[(name, &right)], body.clone()).await, 202);
    core.stop().await;
}

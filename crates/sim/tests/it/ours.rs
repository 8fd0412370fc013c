//! On a Games API of ours: atomic units, and the journal by long polling.

use serde_json::{Value, json};
use sim::types::{Operation, Resource, Target, UnitOfWork};
use sim::{Core, GamesApi};
use sim_games_server::Options;
use tempfile::TempDir;

use crate::support::{Player, Reserved, Rig, Rows, Server, core, fields, installed, remote, rig};

struct Scene {
    api: GamesApi,
    server: Server,
    dir: TempDir,
}

impl Scene {
    async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let api = GamesApi::open(Options::new(dir.path().join("games.sqlite3"))).await.unwrap();
        let server = Server::start(Reserved::any(), api.router(None));
        Self { api, server, dir }
    }

    /// Stores the rows and gives the keys of run, world, period and the two users.
    async fn fill(&self) -> [i64; 5] {
        let mut rows = Rows::default();
        let Rig { run, world, period, users: [one, other] } = rig(&mut rows);
        let committed = self.api.commit(rows.into_unit()).await.unwrap();
        [run, world, period, one, other].map(|reference| committed.references[&reference])
    }

    async fn core(&self) -> Core {
        core(remote(&self.server.url(), self.dir.path())).await
    }

    async fn change(&self, resource: Resource, pk: i64, values: Value) {
        let operation = Operation::Change { resource, pk: Target::Pk(pk), fields: fields(values) };
        let unit = UnitOfWork { operations: vec![operation], ..UnitOfWork::default() };
        self.api.commit(unit).await.unwrap();
    }

    /// Takes the API away, and gives what brings it back at the same address.
    fn down(self) -> (GamesApi, Reserved, TempDir) {
        (self.api, self.server.stop(), self.dir)
    }

    fn up((api, address, dir): (GamesApi, Reserved, TempDir)) -> Self {
        let server = Server::start(address, api.router(None));
        Self { api, server, dir }
    }
}

#[tokio::test]
async fn two_players_finish_a_round_over_http() {
    let scene = Scene::start().await;
    let [_, world, period, one, other] = scene.fill().await;
    let core = scene.core().await;
    installed(&core).await;
    let mut one = Player::join(&core, one, world).await;
    let other = Player::join(&core, other, world).await;
    assert_eq!(one.submit(period, 2).await.unwrap(), "ok");
    assert_eq!(other.submit(period, 3).await.unwrap(), "ok");
    one.event("add_child", r#""sum":5"#).await;
    one.event("add_child", r#""order":2"#).await;
    core.stop().await;
}

#[tokio::test]
async fn what_others_write_reaches_the_players() {
    let scene = Scene::start().await;
    let [run, world, _, one, _] = scene.fill().await;
    let core = scene.core().await;
    installed(&core).await;
    let mut one = Player::join(&core, one, world).await;
    scene.change(Resource::World, world, json!({"name": "Renamed"})).await;
    one.event("update_child", "Renamed").await;
    // A run that rests is not played, and one that is woken is.
    let tree = format!("world.{world}.get_scope_tree");
    scene.change(Resource::Run, run, json!({"active": false})).await;
    one.event("update_child", r#""active":false"#).await;
    scene.change(Resource::Run, run, json!({"active": true})).await;
    one.event("update_child", r#""active":true"#).await;
    one.call(&tree, json!([])).await.unwrap();
    core.stop().await;
}

#[tokio::test]
async fn a_call_during_an_outage_is_not_saved_and_all_recovers() {
    let scene = Scene::start().await;
    let [_, world, period, one, other] = scene.fill().await;
    let core = scene.core().await;
    installed(&core).await;
    let mut one = Player::join(&core, one, world).await;
    let other = Player::join(&core, other, world).await;
    let away = scene.down();
    let error = one.submit(period, 2).await.unwrap_err();
    assert!(error.contains("not saved, try again"), "{error}");
    let scene = Scene::up(away);
    assert_eq!(one.submit(period, 2).await.unwrap(), "ok");
    assert_eq!(other.submit(period, 3).await.unwrap(), "ok");
    one.event("add_child", r#""sum":5"#).await;
    // What happened while nobody listened is not missed.
    let away = scene.down();
    let (api, ..) = &away;
    let operation = Operation::Change {
        resource: Resource::World,
        pk: Target::Pk(world),
        fields: fields(json!({"name": "Meanwhile"})),
    };
    let unit = UnitOfWork { operations: vec![operation], ..UnitOfWork::default() };
    api.commit(unit).await.unwrap();
    let _scene = Scene::up(away);
    one.event("update_child", "Meanwhile").await;
    core.stop().await;
}

#[tokio::test]
async fn the_api_and_the_game_may_appear_later() {
    let scene = Scene::start().await;
    let away = scene.down();
    let core = core(remote(&away.1.url(), away.2.path())).await;
    let scene = Scene::up(away);
    let [_, world, period, one, _] = scene.fill().await;
    installed(&core).await;
    let one = Player::join(&core, one, world).await;
    assert_eq!(one.submit(period, 2).await.unwrap(), "ok");
    core.stop().await;
}

#[tokio::test]
async fn a_repeated_call_gets_its_first_answer() {
    let scene = Scene::start().await;
    let [_, world, period, one, other] = scene.fill().await;
    let core = scene.core().await;
    installed(&core).await;
    let uri = format!("period.{period}.submit");
    let one = Player::join(&core, one, world).await;
    let other = Player::join(&core, other, world).await;
    let before = scene.api.last_seq().await.unwrap();
    for _ in 0..2 {
        let answer = one.call_keyed(&uri, json!({"number": 2, "idempotency_key": "k"})).await;
        assert_eq!(answer.unwrap(), "ok");
    }
    assert_eq!(scene.api.last_seq().await.unwrap(), before + 1);
    // The same key of another user is another key.
    let answer = other.call_keyed(&uri, json!({"number": 3, "idempotency_key": "k"})).await;
    assert_eq!(answer.unwrap(), "ok");
    assert!(scene.api.last_seq().await.unwrap() > before + 1);
    core.stop().await;
}

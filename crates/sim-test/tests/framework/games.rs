//! Several games in one process, and handlers on the game itself.

use serde_json::{Value, json};
use sim::prelude::*;
use sim::types::{Fields, Operation, Reference, Resource, UnitOfWork, UserPk};
use sim::wamp::{Payload, Session};
use sim::{Core, CoreConfig, GamesApi, Played, RouterConfig};
use sim_games_server::Options;
use sim_test::TestGame;

async fn whoami(_: Scope<World>, name: State<&'static str>) -> CallResult<&'static str> {
    Ok(*name.0)
}

fn named(slug: &'static str) -> Game {
    Game::new(slug).state(slug).scope(World::handlers().rpc("whoami", whoami))
}

/// A game with one run, one world and one member, as a unit of work.
fn rows(slug: &str) -> UnitOfWork {
    let fields = |value: Value| -> Fields { serde_json::from_value(value).unwrap() };
    let make = |resource, number, value| Operation::Create {
        resource,
        fields: fields(value),
        reference: Some(Reference(number)),
    };
    let at = |number| Reference(number).to_value();
    let operations = vec![
        make(Resource::Game, 1, json!({"name": slug, "slug": slug})),
        make(Resource::Run, 2, json!({"name": "default", "game": at(1)})),
        make(Resource::World, 3, json!({"name": "World 1", "run": at(2)})),
        make(Resource::User, 4, json!({"email": format!("{slug}@test.example")})),
        make(Resource::RunUser, 5, json!({"user": at(4), "run": at(2), "world": at(3)})),
    ];
    UnitOfWork { operations, ..UnitOfWork::default() }
}

async fn call(session: &Session, uri: &str) -> Result<Value, String> {
    let payload = Payload::from_json(Some("[]"), None);
    let answer = session.call(uri, payload).await.map_err(|error| error.uri)?;
    let mut args: Vec<Value> = serde_json::from_str(answer.args_json()).unwrap();
    Ok(args.remove(0))
}

#[tokio::test]
async fn games_of_one_process_do_not_meet() {
    let dir = tempfile::tempdir().unwrap();
    let api = GamesApi::open(Options::new(dir.path().join("games.sqlite3"))).await.unwrap();
    let mut members = Vec::new();
    for slug in ["one", "two"] {
        let committed = api.commit(rows(slug)).await.unwrap();
        let pk = |number| committed.references[&Reference(number)];
        members.push((slug, UserPk(pk(4)), pk(3)));
    }
    let config = CoreConfig {
        realm: "r".into(),
        legacy_auth: false,
        router: RouterConfig::default(),
        load: sim::Runs::Active,
        figures: None,
    };
    let played = |slug| Played { game: named(slug), root_topic: format!("root.{slug}") };
    let core = Core::start(api, config, vec![played("one"), played("two")]).await.unwrap();
    core.installed().await;
    let mut sessions = Vec::new();
    for (_, user, _) in &members {
        let joined = core
            .router()
            .expect("it has a router")
            .attach_as("r", &user.to_string(), "browser")
            .await;
        sessions.push(joined.unwrap().split().0);
    }
    for ((slug, _, world), session) in members.iter().zip(&sessions) {
        let uri = format!("root.{slug}.model.world.{world}.whoami");
        assert_eq!(call(session, &uri).await.unwrap(), json!(slug));
        for (other, _, world) in members.iter().filter(|(other, ..)| other != slug) {
            for uri in [
                format!("root.{other}.model.world.{world}.whoami"),
                format!("root.{slug}.model.world.{world}.whoami"),
                format!("root.{other}.model.game.get_phases"),
            ] {
                assert_eq!(call(session, &uri).await.unwrap_err(), "wamp.error.not_authorized");
            }
        }
    }
    core.stop().await;
}

async fn open_season(mut game: Scope<GameRow>, visitor: Visitor) -> CallResult<i64> {
    game.merge_data(json!({"season": 2, "by": visitor.user()}))?;
    let run = game.create::<Run>(json!({"name": "summer"}))?;
    run.create::<World>(json!({"name": "World 1"}))?;
    Ok(game.roles()?.len() as i64)
}

async fn rename(mut role: Scope<Role>) -> CallResult<()> {
    role.update(json!({"data": {"color": "red"}}))
}

#[tokio::test]
async fn the_game_its_phases_and_its_roles_have_procedures_too() {
    let game = Game::new("season")
        .scope(GameRow::handlers().rpc("open_season", open_season))
        .scope(Role::handlers().rpc("rename", rename));
    let mut test = TestGame::start(game).await.unwrap();
    test.expect_errors();
    let player = test.player("Any").await.unwrap();
    let outsider = test.outsider().await.unwrap();
    let roles = player.call_free("model.game.get_roles", json!([])).await.unwrap();
    let role = (Resource::Role, roles[0]["id"].as_i64().unwrap());
    assert_eq!(player.call_free("model.game.open_season", json!([])).await.unwrap(), 1);
    let scope = player.call_free("model.game.get_scope", json!([])).await.unwrap();
    assert_eq!(scope["data"]["data"]["season"], 2);
    assert!(outsider.call_free("model.game.open_season", json!([])).await.is_err());
    // A call on a role reaches the game and its roles.
    player.call(role, "rename", json!([])).await.unwrap();
    let roles = player.call_free("model.game.get_roles", json!([])).await.unwrap();
    assert_eq!(roles[0]["data"], json!({"color": "red"}));
    assert_eq!(test.core().engine("season").unwrap().loaded_runs(), 2);
}

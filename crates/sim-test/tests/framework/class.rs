//! What leaders do beyond one run, and what they say to their worlds.

use serde_json::{Value, json};
use sim::engine::{Engine, Enrolled, Entrant, NewRun};
use sim::prelude::*;
use sim::types::{Object, Operation, Reference, Resource, RunPk, UnitOfWork, UserPk};
use sim_test::TestGame;

fn game() -> Game {
    Game::new("class").world_scenario("Scenario 1")
}

async fn class() -> TestGame {
    let test = TestGame::builder(game()).worlds(1).start().await.unwrap();
    // The roles of the test's game are made as they are asked for.
    let _first = test.player("Dividend").await.unwrap();
    let _second = test.player("Divisor").await.unwrap();
    test
}

fn engine(test: &TestGame) -> &Engine {
    test.core().engine("class").unwrap()
}

async fn user(test: &TestGame, name: &str) -> UserPk {
    let fields = json!({"email": format!("{name}@test.example")}).as_object().unwrap().clone();
    let reference = Some(Reference(1));
    let operations = vec![Operation::Create { resource: Resource::User, fields, reference }];
    let made = test.commit(UnitOfWork { operations, ..UnitOfWork::default() }).await.unwrap();
    UserPk(made.references[&Reference(1)])
}

fn entrant(user: UserPk, world: Option<&str>, role: Option<&str>) -> Entrant {
    let (world, role) = (world.map(str::to_owned), role.map(str::to_owned));
    Entrant { user, world, role, invited: false }
}

async fn open(test: &TestGame, leader: UserPk, worlds: &[&str]) -> RunPk {
    let worlds = worlds.iter().map(|it| (*it).to_owned()).collect();
    let run = NewRun { name: "Monday".to_owned(), worlds, leader };
    engine(test).create_run(run).await.unwrap()
}

/// What is stored of a run, by key.
async fn rows<T: Object>(test: &TestGame, run: RunPk) -> Vec<T> {
    let stored = test.core().api().unwrap().load_run(run).await.unwrap().unwrap();
    stored.objects.iter().filter_map(|row| T::from_record(&row.record)).cloned().collect()
}

async fn players(test: &TestGame, run: RunPk) -> Vec<RunUser> {
    rows::<RunUser>(test, run).await.into_iter().filter(|member| !member.leader).collect()
}

#[tokio::test]
async fn a_run_is_opened_with_its_worlds_ready_to_be_played() {
    let test = class().await;
    let teacher = user(&test, "teacher").await;
    assert_eq!(engine(&test).led_runs(teacher).await.unwrap(), []);
    let run = open(&test, teacher, &["Red", "Blue"]).await;
    let led = engine(&test).led_runs(teacher).await.unwrap();
    assert_eq!(led.iter().map(|it| (it.id, it.active)).collect::<Vec<_>>(), [(run, true)]);
    assert_eq!(engine(&test).seats(teacher).iter().map(|seat| seat.0).collect::<Vec<_>>(), [run]);
    let worlds = rows::<World>(&test, run).await;
    assert_eq!(worlds.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["Red", "Blue"]);
    let scenarios = rows::<Scenario>(&test, run).await;
    let periods = rows::<Period>(&test, run).await;
    for world in &worlds {
        let own: Vec<_> = scenarios.iter().filter(|it| it.world == Some(world.id)).collect();
        assert_eq!(own.len(), 1);
        assert_eq!(own[0].name, "Scenario 1");
        assert_eq!(periods.iter().filter(|it| it.scenario == own[0].id).count(), 1);
    }
    assert!(led[0].phase.is_some());
}

#[tokio::test]
async fn a_run_sleeps_and_is_woken_by_its_leader() {
    let test = class().await;
    let teacher = user(&test, "teacher").await;
    let run = open(&test, teacher, &["Red"]).await;
    engine(&test).set_active(run, false, teacher).await.unwrap();
    assert_eq!(engine(&test).seats(teacher), []);
    assert!(!engine(&test).led_runs(teacher).await.unwrap()[0].active);
    let refused = engine(&test).enrol(run, teacher, Vec::new()).await.unwrap_err();
    assert_eq!(refused.uri(), CallError::NOT_FOUND);
    engine(&test).set_active(run, true, teacher).await.unwrap();
    assert_eq!(engine(&test).seats(teacher).len(), 1);
}

#[tokio::test]
async fn people_get_the_places_that_were_chosen_or_free_ones() {
    let test = class().await;
    let teacher = user(&test, "teacher").await;
    let run = open(&test, teacher, &["Red"]).await;
    let mut users = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        users.push(user(&test, name).await);
    }
    let [a, b, c, d, e] = users[..] else { unreachable!() };
    let entrants = vec![
        entrant(a, Some("Red"), Some("divisor")),
        entrant(b, Some("Green"), None),
        entrant(c, None, None),
        entrant(d, None, Some("Divisor")),
        entrant(e, None, None),
    ];
    let enrolled = engine(&test).enrol(run, teacher, entrants.clone()).await.unwrap();
    assert_eq!(enrolled, Enrolled { added: 5, moved: 0, kept: 0, worlds: 1 });
    let worlds = rows::<World>(&test, run).await;
    let place = |member: &RunUser| {
        let world = worlds.iter().find(|it| Some(it.id) == member.world);
        (world.map(|it| it.name.clone()), member.role_name.clone())
    };
    let places: Vec<_> = players(&test, run).await.iter().map(place).collect();
    let at = |world: &str, role: &str| (Some(world.to_owned()), Some(role.to_owned()));
    let none = (None, None);
    assert_eq!(
        places,
        [
            at("Red", "Divisor"),
            at("Green", "Dividend"),
            at("Red", "Dividend"),
            at("Green", "Divisor"),
            none
        ]
    );
    // Once more, nothing changes; somebody with another place is moved.
    let mut again = entrants;
    again[0].role = Some("Dividend".to_owned());
    let enrolled = engine(&test).enrol(run, teacher, again).await.unwrap();
    assert_eq!(enrolled, Enrolled { added: 0, moved: 1, kept: 4, worlds: 0 });

    let wrong = vec![entrant(a, None, None), entrant(teacher, None, None)];
    let refused = engine(&test).enrol(run, teacher, wrong).await.unwrap_err();
    assert_eq!(refused.uri(), CallError::INVALID_ARGUMENT);
    let stranger = user(&test, "f").await;
    let wrong = vec![entrant(stranger, Some("New"), Some("Nobody"))];
    let refused = engine(&test).enrol(run, teacher, wrong).await.unwrap_err();
    assert_eq!(refused.uri(), CallError::INVALID_ARGUMENT);
    assert_eq!(players(&test, run).await.len(), 5);
    assert!(!rows::<World>(&test, run).await.iter().any(|it| it.name == "New"));
}

#[tokio::test]
async fn an_invitation_is_taken_once_by_whoever_has_the_code() {
    let test = class().await;
    let leader = test.leader().await.unwrap();
    let run = RunPk(test.run().1);
    let members = test.stored::<RunUser>().await.unwrap();
    let teacher = members.iter().find(|member| member.leader).unwrap().user;
    let guest = user(&test, "guest").await;
    let invited = Entrant { invited: true, ..entrant(guest, None, None) };
    engine(&test).enrol(run, teacher, vec![invited]).await.unwrap();
    let code = leader.call(test.run(), "join_code", json!([])).await.unwrap();
    let code = code.as_str().unwrap();
    assert_eq!(engine(&test).is_invited(code, "GUEST@test.example").await, Some(guest));
    assert_eq!(engine(&test).is_invited("1-AAAAAAAA", "guest@test.example").await, None);
    engine(&test).take_invitation(code, guest).await.unwrap();
    assert_eq!(engine(&test).is_invited(code, "guest@test.example").await, None);
    let refused = engine(&test).take_invitation(code, guest).await.unwrap_err();
    assert_eq!(refused.uri(), CallError::CONFLICT);
    // Whoever was given a password otherwise, and comes, needs the invitation no more.
    let other = user(&test, "other").await;
    let invited = Entrant { invited: true, ..entrant(other, None, None) };
    engine(&test).enrol(run, teacher, vec![invited]).await.unwrap();
    engine(&test).take_seat(code, other).await.unwrap();
    assert_eq!(engine(&test).is_invited(code, "other@test.example").await, None);
}

#[tokio::test]
async fn a_leader_says_something_to_a_world_or_to_all() {
    let test = class().await;
    let leader = test.leader().await.unwrap();
    let player = test.player("Dividend").await.unwrap();
    let world = test.world_scope(1).unwrap();
    leader.call(world, "notify", json!([" Five more minutes "])).await.unwrap();
    let seen: Value = player.call(world, "get_scope", json!([])).await.unwrap();
    assert_eq!(seen["data"]["data"]["notice"]["text"], "Five more minutes");
    leader.call(test.run(), "notify", json!(["Welcome"])).await.unwrap();
    leader.call(world, "notify", json!([""])).await.unwrap();
    let seen: Value = player.call(world, "get_scope", json!([])).await.unwrap();
    assert_eq!(seen["data"]["data"]["notice"], Value::Null);
    let long = "x".repeat(501);
    let refused = leader.call(world, "notify", json!([long])).await.unwrap_err();
    assert_eq!(refused.uri, "wamp.error.invalid_argument");
    let refused = player.call(world, "notify", json!(["Hi"])).await.unwrap_err();
    assert_eq!(refused.uri, "wamp.error.not_authorized");
}

#[tokio::test]
async fn partners_are_told_who_has_left_their_world() {
    let test = class().await;
    let leader = test.leader().await.unwrap();
    let mut partner = test.player("Dividend").await.unwrap();
    let moving = test.player("Divisor").await.unwrap();
    partner.events();
    let (_, pk) = moving.runuser();
    leader.call(test.run(), "move", json!([pk, null, null])).await.unwrap();
    let told = partner.events();
    let topics: Vec<_> =
        told.iter().filter(|it| it.object["id"] == pk).map(|it| &*it.topic).collect();
    let (_, world) = test.world_scope(1).unwrap();
    let (_, own) = partner.runuser();
    assert_eq!(
        topics,
        [format!("world.{world}.remove_child"), format!("runuser.{own}.remove_child")]
    );
}

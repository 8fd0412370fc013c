//! What happens without a call, and calls that misbehave.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use sim_games_types::World;

use super::*;
use crate::fixture::stored;
use crate::{Due, Newcomer};

/// The usual class, in which the timer of period 61 was due long ago.
fn overdue() -> RunSnapshot {
    let mut snapshot = run_snapshot();
    let data = json!({"timers": {"close": "2026-03-02T14:05:07.000000Z"}, "price": 3});
    let period = json!({"id": 61, "order": 1, "scenario": 51, "data": data});
    let place = snapshot
        .objects
        .iter()
        .position(|it| (it.record.resource(), it.record.pk()) == (Resource::Period, 61));
    snapshot.objects[place.unwrap()] = stored(Resource::Period, period);
    snapshot
}

async fn close(mut period: Scope<Period>, Due: Due) -> CallResult<()> {
    period.merge_data(json!({"closed": true}))
}

#[tokio::test]
async fn a_timer_that_was_due_while_the_service_was_down_rings_when_it_is_up() {
    let game = game().scope(Period::handlers().on_timer("close", close));
    let stand = Stand::over(game, Options::new("root"), None, None, overdue()).await;
    while lock(&stand.units).is_empty() {
        tokio::task::yield_now().await;
    }
    stand.grow_to(30);
    stand.engine.settled().await;
    let units = lock(&stand.units);
    let [unit] = &**units else { panic!("{units:?}") };
    assert_eq!((unit.actor, unit.cause.as_deref()), (None, Some("timer close of period 61")));
    let [Operation::Change { fields, .. }] = &*unit.operations else { panic!("{unit:?}") };
    assert_eq!(fields["data"], json!({"price": 3, "closed": true}));
    assert!(unit.preconditions.iter().any(|it| matches!(
        it,
        Precondition::Unchanged { resource: Resource::Period, pk: 61, .. }
    )));
}

#[tokio::test(start_paused = true)]
async fn a_timer_waits_for_a_store_that_is_down() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let seen = attempts.clone();
    let commit: Commit = Box::new(move |_| match seen.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => Err(StoreError::Unavailable("no".into())),
        _ => Ok(Committed { seq: 0, ..Committed::default() }),
    });
    let game = game().scope(Period::handlers().on_timer("close", close));
    let stand = Stand::over(game, Options::new("root"), Some(commit), None, overdue()).await;
    while attempts.load(Ordering::Relaxed) < 3 {
        tokio::time::advance(Duration::from_millis(50)).await;
    }
    stand.engine.settled().await;
    assert_eq!(lock(&stand.units).len(), 3);
}

#[tokio::test]
async fn a_timer_that_was_taken_back_does_not_ring() {
    let game = game().scope(Period::handlers().on_timer("close", close));
    let stand = Stand::start(game, None).await;
    let later = json!({"timers": {"close": "2999-03-02T14:05:07.000000Z"}});
    let period = |data: Value| {
        stored(Resource::Period, json!({"id": 61, "order": 1, "scenario": 51, "data": data}))
    };
    stand.tell(30, period(later));
    stand.tell(31, period(json!({})));
    stand.engine.reached(31).await;
    stand.engine.settled().await;
    assert!(lock(&stand.units).is_empty());
}

const FORBIDDEN: &str = "wamp.error.not_authorized";

fn resting() -> Options {
    Options { rest_after: Some(Duration::ZERO), ..Options::new("root") }
}

/// Lets time go by until the run has been put to rest.
async fn rested(stand: &Stand) {
    while stand.engine.loaded_runs() > 0 {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_nobody_uses_rests_until_it_is_called() {
    let stand = Stand::over(game(), resting(), None, None, run_snapshot()).await;
    rested(&stand).await;
    // What happens meanwhile is not lost: the run is read anew.
    stand.grow_to(19);
    let answer = stand.call(31, "world.9.get_scope", "[]").await.unwrap();
    assert!(answer.contains("World 9"), "{answer}");
    assert_eq!(stand.engine.loaded_runs(), 1);
    rested(&stand).await;
    let peer = Peer { session: 1, user: Some(user_of(31)), operator: false };
    let topic = "root.model.world.9.add_child";
    assert!(stand.engine.may_subscribe(peer, topic, crate::Matching::Exact).await);
    rested(&stand).await;
    let stranger = stand.call(77, "world.9.get_scope", "[]").await;
    assert_eq!(uri_of(stranger), "wamp.error.not_authorized");
}

#[tokio::test(start_paused = true)]
async fn a_resting_run_is_found_by_what_was_made_meanwhile() {
    let stand = Stand::over(game(), resting(), None, None, run_snapshot()).await;
    rested(&stand).await;
    let unknown = stand.call(31, "period.64.get_scope", "[]").await;
    assert_eq!((uri_of(unknown).as_str(), stand.engine.loaded_runs()), (FORBIDDEN, 0));
    stand.tell(30, crate::fixture::period(64, 51, 2));
    stand.engine.reached(30).await;
    // The store of this test gives the run as it always was.
    let called = stand.call(31, "period.64.get_scope", "[]").await;
    assert_eq!((uri_of(called).as_str(), stand.engine.loaded_runs()), (FORBIDDEN, 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_in_which_somebody_is_online_does_not_rest() {
    let stand = Stand::over(game(), resting(), None, None, run_snapshot()).await;
    let peer = Peer { session: 31, user: Some(user_of(31)), operator: false };
    stand.engine.joined(peer);
    stand.call(31, "world.9.get_scope", "[]").await.unwrap();
    tokio::time::advance(Duration::from_secs(120)).await;
    tokio::task::yield_now().await;
    assert_eq!(stand.engine.loaded_runs(), 1);
    stand.engine.left(peer);
    rested(&stand).await;
}

#[tokio::test]
async fn an_operator_restores_a_run_and_others_do_not() {
    let stand = Stand::start(game(), None).await;
    assert_eq!(
        uri_of(stand.call(31, "game.restore_run", "[5]").await),
        "wamp.error.not_authorized"
    );
    assert!(stand.engine.restore_run(5.into()).await.unwrap());
    assert!(!stand.engine.restore_run(6.into()).await.unwrap());
}

#[tokio::test]
async fn an_answer_that_cannot_be_written_as_json_is_an_error_of_its_call() {
    async fn broken(period: Scope<Period>) -> CallResult<HashMap<(i32, i32), i32>> {
        period.open_next()?;
        Ok(HashMap::from([((1, 2), 3)]))
    }
    let stand = Stand::start(game().scope(Period::handlers().rpc("broken", broken)), None).await;
    assert_eq!(uri_of(stand.call(31, "period.61.broken", "[]").await), "wamp.error.runtime_error");
    assert!(lock(&stand.units).is_empty());
}

#[tokio::test(start_paused = true)]
async fn handlers_that_wait_for_each_other_are_given_up_and_the_worlds_go_on() {
    async fn wait(_: Scope<World>, meet: crate::State<tokio::sync::Barrier>) -> CallResult<()> {
        meet.wait().await;
        Ok(())
    }
    let game = game().state(tokio::sync::Barrier::new(3));
    let stand = Stand::start(game.scope(World::handlers().rpc("wait", wait)), None).await;
    let one = stand.send(31, "world.9.wait", "[]", "{}");
    let two = stand.send(33, "world.10.wait", "[]", "{}");
    assert_eq!(uri_of(one.await.unwrap()), "wamp.error.unavailable");
    assert_eq!(uri_of(two.await.unwrap()), "wamp.error.unavailable");
    assert!(stand.call(31, "world.9.get_scope", "[]").await.is_ok());
}

#[tokio::test]
async fn a_handler_that_panics_before_it_waits_is_contained_too() {
    fn broken(_: Scope<Period>) -> std::future::Ready<CallResult<()>> {
        panic!("the author's mistake")
    }
    let stand = Stand::start(game().scope(Period::handlers().rpc("broken", broken)), None).await;
    assert_eq!(uri_of(stand.call(31, "period.61.broken", "[]").await), "wamp.error.runtime_error");
}

#[tokio::test]
async fn a_member_who_goes_again_before_the_hook_is_called_is_no_error() {
    async fn greet(Newcomer(member): Newcomer) -> CallResult<()> {
        panic!("{} is gone", member.email)
    }
    let stand = Stand::start(game().scope(Run::handlers().on_runuser_created(greet)), None).await;
    let object = crate::fixture::runuser(35, Some(9), Some(21));
    let change = |seq, action| Change {
        seq,
        at: Timestamp::now(),
        game: Some(3.into()),
        run: Some(5.into()),
        action,
        object: object.clone(),
        actor: None,
        cause: None,
    };
    stand.journal.send([change(30, Action::Created), change(31, Action::Deleted)].into()).unwrap();
    stand.engine.reached(31).await;
    stand.engine.settled().await;
    assert!(lock(&stand.units).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_never_returns_is_given_up_and_the_next_is_called() {
    async fn stuck(_: Newcomer) -> CallResult<()> {
        std::future::pending().await
    }
    let handlers = Run::handlers().on_runuser_created(stuck);
    let game = game().scope(handlers).scope(Period::handlers().on_timer("close", close));
    let stand = Stand::start(game, None).await;
    stand.tell(30, crate::fixture::runuser(35, Some(9), Some(21)));
    let timers = json!({"timers": {"close": "2026-03-02T14:05:07.000000Z"}});
    let period = json!({"id": 61, "order": 1, "scenario": 51, "data": timers});
    stand.tell(31, stored(Resource::Period, period));
    stand.engine.reached(31).await;
    let patience = Duration::from_secs(60);
    timeout(patience, stand.engine.settled()).await.expect("the hook is given up");
    let units = lock(&stand.units);
    let causes: Vec<_> = units.iter().filter_map(|unit| unit.cause.as_deref()).collect();
    assert_eq!(causes, ["timer close of period 61"]);
}

#[tokio::test]
async fn all_runs_stay_in_memory_when_that_is_asked_for() {
    let options = Options { load: crate::Runs::All, ..Options::new("root") };
    for (options, left) in [(options, 1), (Options::new("root"), 0)] {
        let stand = Stand::over(game(), options, None, None, run_snapshot()).await;
        let run = json!({"id": 5, "name": "default", "game": 3, "phase": 11, "active": false});
        stand.tell(30, stored(Resource::Run, run));
        stand.engine.reached(30).await;
        assert_eq!(stand.engine.loaded_runs(), left);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_tell_of_what_it_stored_holds_nobody_up_for_ever() {
    let stand = Stand::start(game(), None).await;
    let first = stand.send(31, "period.61.play", "[4]", "{}");
    let error = first.await.unwrap().unwrap_err();
    assert_eq!(error.args(), [json!("saved, but it cannot be shown at the moment")]);
    stand.grow_to(30);
    assert!(stand.call(32, "period.61.play", "[4]").await.is_ok());
}

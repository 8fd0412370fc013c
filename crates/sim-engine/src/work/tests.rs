//! Calls from arrival to answer, with the test in the place of the store.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;
use serde_json::json;
use sim_games_types::{
    Action, Change, Committed, Operation, Period, Precondition, Resource, Run, Timestamp,
};
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::answer::MAX_KEY;
use crate::fixture::{LEADER, decision, game_snapshot, run_snapshot, user_of};
use crate::identity::Request;
use crate::ports::{MockGamesStore, RunSnapshot};
use crate::sync::lock;
use crate::{Args, Caller, Engine, Event, Game, Kind, NextPhase, Options, Peer, Scope};

type Commit = Box<dyn Fn(&UnitOfWork) -> Result<Committed, StoreError> + Send>;

/// An engine on mocked ports: the test plays the store and reads what was published.
struct Stand {
    engine: Engine,
    journal: mpsc::UnboundedSender<Arc<[Change]>>,
    units: Arc<Mutex<Vec<UnitOfWork>>>,
    events: Arc<Mutex<Vec<Event>>>,
    /// What the next publication waits for, and no later one.
    hold: Arc<Mutex<Option<oneshot::Receiver<()>>>>,
}

/// A message port that keeps what is published.
struct Published {
    events: Arc<Mutex<Vec<Event>>>,
    hold: Arc<Mutex<Option<oneshot::Receiver<()>>>>,
}

#[async_trait::async_trait]
impl crate::Messages for Published {
    async fn publish(&self, events: Vec<Event>) {
        let hold = lock(&self.hold).take();
        if let Some(hold) = hold {
            hold.await.unwrap();
        }
        lock(&self.events).extend(events);
    }

    async fn dismiss(&self, _: UserPk) {}
}

impl Stand {
    /// A stand whose store answers commits as told, or else accepts all of them as change 30.
    async fn start(game: Game, commit: Option<Commit>) -> Self {
        Self::with_answers(game, commit, None).await
    }

    async fn with_answers(game: Game, commit: Option<Commit>, answer: Option<String>) -> Self {
        Self::over(game, Options::new("root"), commit, answer, run_snapshot()).await
    }

    async fn over(
        game: Game,
        options: Options,
        commit: Option<Commit>,
        answer: Option<String>,
        stored: RunSnapshot,
    ) -> Self {
        let (journal, changes) = mpsc::unbounded_channel::<Arc<[Change]>>();
        let units: Arc<Mutex<Vec<UnitOfWork>>> = Arc::default();
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let mut store = MockGamesStore::new();
        store.expect_load_game().returning(|_| Ok(game_snapshot()));
        let again = stored.clone();
        store.expect_load_runs().returning(move |_, _| Ok(stored.clone()));
        store.expect_load_run().returning(move |pk| {
            let none = RunSnapshot { seq: again.seq, objects: Vec::new() };
            Ok(if pk.0 == crate::fixture::RUN { again.clone() } else { none })
        });
        store.expect_first_answer().returning(move |_, _, _| Ok(answer.clone()));
        let seen = units.clone();
        store.expect_commit().returning(move |unit, _| {
            let answer = match &commit {
                Some(commit) => commit(&unit),
                None => Ok(Committed { seq: 30, ..Committed::default() }),
            };
            lock(&seen).push(unit);
            answer
        });
        let feed = Mutex::new(Some(Feed(changes)));
        store.expect_changes().return_once(move |_| Box::new(lock(&feed).take().unwrap()));
        let hold = Arc::default();
        let messages = Published { events: events.clone(), hold: Arc::clone(&hold) };
        let engine = Engine::start(game, options, Arc::new(store), Arc::new(messages)).unwrap();
        engine.installed().await;
        Self { engine, journal, units, events, hold }
    }

    /// Lets the journal grow to this number.
    fn grow_to(&self, seq: u64) {
        self.tell(seq, decision(81, 61, 21, 1.0));
    }

    /// Lets the journal tell of an object.
    fn tell(&self, seq: u64, object: Arc<sim_games_types::Stored>) {
        let change = Change {
            seq,
            at: Timestamp::now(),
            game: Some(3.into()),
            run: Some(5.into()),
            action: Action::Created,
            object,
            actor: None,
            cause: None,
        };
        self.journal.send([change].into()).unwrap();
    }

    fn send(
        &self,
        member: i64,
        uri: &str,
        args: &str,
        kwargs: &str,
    ) -> oneshot::Receiver<CallResult<String>> {
        let (answer, answered) = oneshot::channel();
        let peer = Peer {
            session: u64::try_from(member).unwrap(),
            user: Some(user_of(member)),
            operator: false,
        };
        let call = Call {
            uri: format!("root.model.{uri}").into(),
            peer,
            request: Some(Request::Call(1)),
            args: args.into(),
            kwargs: kwargs.into(),
        };
        let answer = move |outcome| {
            drop(answer.send(outcome));
            Box::pin(std::future::ready(())) as BoxFuture<()>
        };
        self.engine.call(call, Box::new(answer));
        answered
    }

    async fn call(&self, member: i64, uri: &str, args: &str) -> CallResult<String> {
        self.send(member, uri, args, "{}").await.unwrap()
    }
}

/// The journal as the test lets it grow.
struct Feed(mpsc::UnboundedReceiver<Arc<[Change]>>);

#[async_trait::async_trait]
impl crate::ChangeFeed for Feed {
    async fn next(&mut self) -> Option<Arc<[Change]>> {
        self.0.recv().await
    }
}

mod named;
mod observing;
mod presence;
mod running;

#[derive(serde::Deserialize, Serialize)]
struct Play {
    operand: f64,
}

async fn play(period: Scope<Period>, caller: Caller, Args(play): Args<Play>) -> CallResult<bool> {
    let other: Option<Play> = period.decision("Divisor", "decision");
    period.save_decision(caller.role()?, "decision", play)?;
    Ok(other.is_some())
}

fn game() -> Game {
    Game::new("div").scope(Period::handlers().rpc("play", play))
}

fn uri_of(outcome: CallResult<String>) -> String {
    outcome.unwrap_err().uri().to_owned()
}

#[tokio::test]
async fn what_a_handler_stages_is_committed_with_what_it_read() {
    let commit: Commit = Box::new(|_| Ok(Committed::default()));
    let stand = Stand::start(game(), Some(commit)).await;
    assert_eq!(stand.call(31, "period.61.play", "[4]").await.unwrap(), "false");
    let units = lock(&stand.units);
    let unit = &units[0];
    assert_eq!(unit.actor, Some(user_of(31)));
    assert_eq!(unit.cause.as_deref(), Some("root.model.period.61.play"));
    let [Operation::Upsert { key, fields, .. }] = &*unit.operations else { panic!("{unit:?}") };
    assert_eq!(json!(key), json!({"period": 61, "role": 21, "name": "decision"}));
    assert_eq!(json!(fields), json!({"data": {"operand": 4.0}}));
    assert!(unit.preconditions.iter().any(|it| matches!(it,
        Precondition::Children { resource: Resource::Decision, pk: 61, children, .. }
            if children.is_empty())));
    assert!(unit.preconditions.iter().any(|it| matches!(
        it,
        Precondition::Unchanged { resource: Resource::RunUser, pk: 31, .. }
    )));
}

#[tokio::test]
async fn opening_the_next_round_relies_on_no_other_round() {
    async fn step(period: Scope<Period>) -> CallResult<i64> {
        Ok(period.open_next()?.order)
    }
    let mut stored = run_snapshot();
    stored.objects.extend((2..9).map(|order| crate::fixture::period(60 + order, 51, order)));
    let game = Game::new("div").scope(Period::handlers().rpc("step", step));
    let commit: Commit = Box::new(|_| Ok(Committed::default()));
    let stand = Stand::over(game, Options::new("root"), Some(commit), None, stored).await;
    assert_eq!(stand.call(31, "period.68.step", "[]").await.unwrap(), "9");
    assert_eq!(stand.call(31, "period.62.step", "[]").await.unwrap(), "3");
    let units = lock(&stand.units);
    let [unit] = &**units else { panic!("only the last round has no successor: {units:?}") };
    let rounds: Vec<_> = unit
        .preconditions
        .iter()
        .filter(|it| {
            matches!(
                it,
                Precondition::Unchanged { resource: Resource::Period, .. }
                    | Precondition::Children { resource: Resource::Period, .. }
            )
        })
        .collect();
    assert!(
        matches!(*rounds, [Precondition::Unchanged { pk: 68, .. }]),
        "a decision must not cost more with every round played: {rounds:?}"
    );
}

#[tokio::test]
async fn the_answer_waits_until_the_tree_has_the_change() {
    let stand = Stand::start(game(), None).await;
    let mut answer = stand.send(31, "period.61.play", "[4]", "{}");
    while lock(&stand.units).is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(answer.try_recv().is_err());
    stand.grow_to(30);
    assert_eq!(answer.await.unwrap().unwrap(), "false");
    assert!(lock(&stand.events).iter().any(|event| event.topic == "root.model.world.9.add_child"));
}

#[tokio::test]
async fn a_call_that_was_overtaken_runs_again() {
    let attempts = AtomicUsize::new(0);
    let commit: Commit = Box::new(move |_| match attempts.fetch_add(1, Ordering::Relaxed) {
        0 => Err(StoreError::Conflict { seq: 30 }),
        _ => Ok(Committed { seq: 30, ..Committed::default() }),
    });
    let stand = Stand::start(game(), Some(commit)).await;
    stand.grow_to(30);
    stand.call(31, "period.61.play", "[4]").await.unwrap();
    let units = lock(&stand.units);
    assert_eq!(units.len(), 2);
    // The second time it has seen the decision that came in between.
    assert!(units[1].preconditions.iter().any(|it| matches!(it,
        Precondition::Children { children, .. } if *children == [81])));
}

#[tokio::test]
async fn a_call_that_is_always_overtaken_gives_up() {
    let commit: Commit = Box::new(|_| Err(StoreError::Conflict { seq: 0 }));
    let stand = Stand::start(game(), Some(commit)).await;
    assert_eq!(uri_of(stand.call(31, "period.61.play", "[4]").await), "application.error.conflict");
    assert_eq!(lock(&stand.units).len(), ATTEMPTS);
}

#[tokio::test]
async fn a_store_that_is_down_means_not_saved() {
    let commit: Commit = Box::new(|_| Err(StoreError::Unavailable("disk full".into())));
    let stand = Stand::start(game(), Some(commit)).await;
    let error = stand.call(31, "period.61.play", "[4]").await.unwrap_err();
    assert_eq!(error.args(), [json!("not saved, try again")]);
}

#[tokio::test]
async fn a_panic_is_an_error_and_writes_nothing() {
    async fn broken(period: Scope<Period>, caller: Caller) -> CallResult<()> {
        period.save_decision(caller.role()?, "decision", json!({"operand": 1}))?;
        panic!("the author's mistake");
    }
    let stand = Stand::start(game().scope(Period::handlers().rpc("broken", broken)), None).await;
    assert_eq!(uri_of(stand.call(31, "period.61.broken", "[]").await), "wamp.error.runtime_error");
    assert!(lock(&stand.units).is_empty());
    stand.grow_to(30);
    assert!(stand.call(31, "period.61.play", "[1]").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_returns_is_given_up() {
    async fn stuck(_: Scope<Period>) -> CallResult<()> {
        std::future::pending().await
    }
    let stand = Stand::start(game().scope(Period::handlers().rpc("stuck", stuck)), None).await;
    assert_eq!(uri_of(stand.call(31, "period.61.stuck", "[]").await), "wamp.error.unavailable");
}

#[tokio::test]
async fn unknown_and_invisible_scopes_answer_alike() {
    let stand = Stand::start(game(), None).await;
    let unknown = stand.call(31, "period.999.play", "[1]").await.unwrap_err();
    let invisible = stand.call(31, "period.63.play", "[1]").await.unwrap_err();
    let outsider = stand.call(77, "period.63.play", "[1]").await.unwrap_err();
    assert_eq!(unknown.uri(), "wamp.error.not_authorized");
    for other in [invisible, outsider] {
        assert_eq!((unknown.uri(), unknown.args()), (other.uri(), other.args()));
    }
    assert_eq!(uri_of(stand.call(31, "period.61.fly", "[]").await), "wamp.error.no_such_procedure");
}

#[tokio::test]
async fn errors_are_published_to_their_user_only() {
    let stand = Stand::start(game(), None).await;
    assert!(stand.call(31, "period.61.play", "[1, 2]").await.is_err());
    // The next answer of the session comes after the event.
    assert!(stand.call(31, "period.61.get_scope", "[]").await.is_ok());
    let events = lock(&stand.events);
    assert_eq!(events[0].topic, "root.error.131");
    assert_eq!(&*events[0].kwargs, r#"{"error":"wamp.error.invalid_argument"}"#);
    assert_eq!(*events[0].audience, [Arc::from("131")]);
}

#[tokio::test]
async fn a_repeated_key_gets_the_first_answer() {
    let first = r#"{"result":"ok"}"#.to_owned();
    let stand = Stand::with_answers(game(), None, Some(first)).await;
    let answer = stand.send(31, "period.61.play", "[4]", r#"{"idempotency_key": "k"}"#);
    assert_eq!(answer.await.unwrap().unwrap(), r#""ok""#);
    assert!(lock(&stand.units).is_empty());
}

#[tokio::test]
async fn the_first_answer_is_stored_with_the_writes_even_when_it_is_an_error() {
    let stand = Stand::start(game(), None).await;
    let answer = stand.send(31, "period.61.play", "[]", r#"{"idempotency_key": "k"}"#);
    stand.grow_to(30);
    assert_eq!(uri_of(answer.await.unwrap()), "wamp.error.invalid_argument");
    let units = lock(&stand.units);
    let stored = units[0].idempotency.as_ref().unwrap();
    assert_eq!((&*stored.key, &*stored.scope), ("k", "root.model.period.61.play"));
    assert!(FirstAnswer::read(&stored.answer).is_err());
    assert!(units[0].operations.is_empty());
}

#[tokio::test]
async fn a_key_that_is_no_short_text_is_refused() {
    let stand = Stand::start(game(), None).await;
    let long = format!(r#"{{"idempotency_key": "{}"}}"#, "k".repeat(MAX_KEY + 1));
    for kwargs in [r#"{"idempotency_key": 7}"#, r#"{"idempotency_key": ""}"#, &long] {
        let answer = stand.send(31, "period.61.play", "[4]", kwargs).await.unwrap();
        assert_eq!(uri_of(answer), "wamp.error.invalid_argument", "{kwargs}");
    }
    assert!(lock(&stand.units).is_empty());
}

#[tokio::test]
async fn leaders_change_phases_and_players_do_not() {
    static NEXT: Mutex<Vec<String>> = Mutex::new(Vec::new());
    async fn note(_: Scope<Run>, NextPhase(phase): NextPhase) -> CallResult<()> {
        lock(&NEXT).push(phase.name);
        Ok(())
    }
    let game = game().scope(Run::handlers().on_advance_phase(note));
    let stand = Stand::start(game, None).await;
    stand.grow_to(30);
    assert_eq!(
        uri_of(stand.call(31, "run.5.advance_phase", "[]").await),
        "wamp.error.not_authorized"
    );
    assert_eq!(stand.call(LEADER, "run.5.advance_phase", "[]").await.unwrap(), "null");
    assert_eq!(*lock(&NEXT), ["Debrief"]);
    let units = lock(&stand.units);
    let [Operation::Change { resource: Resource::Run, fields, .. }] = &*units[0].operations else {
        panic!("{units:?}")
    };
    assert_eq!(fields["phase"], 12);
}

#[tokio::test]
async fn before_the_first_phase_there_is_none() {
    let stand = Stand::start(game(), None).await;
    let error = stand.call(LEADER, "run.5.rollback_phase", "[]").await.unwrap_err();
    assert_eq!(error.args(), [json!("Run 5: There isn't any phase available before 'Play'")]);
}

#[tokio::test]
async fn calls_of_one_session_are_answered_in_their_order() {
    async fn slow(_: Scope<Period>) -> CallResult<()> {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
    let stand = Stand::start(game().scope(Period::handlers().rpc("slow", slow)), None).await;
    let first = stand.send(31, "period.61.slow", "[]", "{}");
    let mut second = stand.send(31, "period.61.get_scope", "[]", "{}");
    let other = stand.send(32, "period.61.get_scope", "[]", "{}");
    other.await.unwrap().unwrap();
    assert!(second.try_recv().is_err());
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_session_that_floods_is_refused_and_others_are_not() {
    let stand = Stand::start(game(), None).await;
    let limit = Options::new("root").session_queue;
    // The runtime has one thread, so nothing is worked off before the first await.
    let calls: Vec<_> =
        (0..limit + 3).map(|_| stand.send(31, "period.61.get_scope", "[]", "{}")).collect();
    let other = stand.send(32, "period.61.get_scope", "[]", "{}");
    other.await.unwrap().unwrap();
    let mut refused = 0;
    for call in calls {
        refused += usize::from(call.await.unwrap().is_err());
    }
    assert_eq!(refused, 2);
}

#[tokio::test]
async fn calls_into_one_world_take_turns_and_other_worlds_do_not_wait() {
    static GATE: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(0);
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    async fn hold(_: Scope<Period>) -> CallResult<usize> {
        let inside = INSIDE.fetch_add(1, Ordering::SeqCst) + 1;
        GATE.acquire().await?.forget();
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        Ok(inside)
    }
    let stand = Stand::start(game().scope(Period::handlers().rpc("hold", hold)), None).await;
    let one = stand.send(31, "period.61.hold", "[]", "{}");
    let two = stand.send(32, "period.61.hold", "[]", "{}");
    let three = stand.send(33, "period.63.hold", "[]", "{}");
    while INSIDE.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    let mut phase = stand.send(LEADER, "run.5.advance_phase", "[]", "{}");
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert!(phase.try_recv().is_err(), "a call on the run excludes the calls in its worlds");
    stand.grow_to(30);
    GATE.add_permits(3);
    let answers = [one.await.unwrap().unwrap(), three.await.unwrap().unwrap()];
    assert_eq!(answers.map(|answer| answer.parse::<usize>().unwrap()).iter().sum::<usize>(), 3);
    two.await.unwrap().unwrap();
    phase.await.unwrap().unwrap();
}

#[test]
fn declaration_problems_are_reported_together() {
    let twice = Period::handlers().rpc("play", play).rpc("play", play).rpc("get_scope", play);
    let game = Game::new("div").scope(twice).scope(Run::handlers().replace_rpc("fly", nothing));
    let problems = game.problems();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].contains("`play` is registered twice on period"), "{problems:?}");
}

async fn nothing(_: Scope<Run>) -> CallResult<()> {
    Ok(())
}

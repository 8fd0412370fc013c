//! Units of work, logins and snapshots.

use serde_json::json;
use sim_games_types::{
    Action, Fields, Idempotency, Operation, Precondition, Record, Reference, Resource, RunPk,
    Timestamp, UnitOfWork, UserPk,
};

use super::fixture::{Open, change, create, delete, fields, fresh, small_game, unit};
use crate::sql::connection::{Durability, Fault, FaultKind, Writing};
use crate::{AuthError, GamesApi, StoreError};

fn decision(operand: f64) -> Operation {
    Operation::Upsert {
        resource: Resource::Decision,
        key: fields(json!({"period": 1, "role": 1, "name": "decision"})),
        fields: fields(json!({"data": {"operand": operand}})),
        reference: Some(Reference(0)),
    }
}

fn result() -> Operation {
    Operation::Upsert {
        resource: Resource::Result,
        key: fields(json!({"period": 1, "name": "result"})),
        fields: fields(json!({"data": {"quotient": 2.5}})),
        reference: Some(Reference(0)),
    }
}

/// The changes after a number.
async fn changes(api: &GamesApi, after: u64) -> Vec<(Action, Resource, i64, Option<RunPk>)> {
    let changes = api.subscribe(after).next().await.unwrap();
    let told = changes
        .iter()
        .map(|it| (it.action, it.object.record.resource(), it.object.record.pk(), it.run));
    told.collect()
}

pub(super) async fn a_new_database_has_its_staff_account(open: Open) {
    let (_place, api) = fresh(open).await;
    assert!(api.is_new());
    let user = api.authenticate("Simpl@simpl.World", "simpl").await.unwrap();
    assert!(user.is_staff && user.is_superuser);
    assert_eq!(api.authenticate("1", "simpl").await.unwrap().id, UserPk(1));
    api.close().await;
}

pub(super) async fn rows_refer_to_rows_of_the_same_unit(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let snapshot = api.load_run(RunPk(1)).await.unwrap().unwrap();
    let Record::RunUser(member) = &snapshot.objects[2].record else { panic!("{snapshot:?}") };
    assert_eq!(member.user, UserPk(2));
    assert_eq!(member.email, "s1@div.edu");
    assert_eq!(member.role_name.as_deref(), Some("Divisor"));
    let dangling = unit([create(Resource::Period, json!({"scenario": {"$ref": 9}}), None)]);
    let error = api.commit(dangling).await.unwrap_err();
    assert!(matches!(&error, StoreError::Invalid(errors) if errors.has("scenario")), "{error}");
}

pub(super) async fn a_refused_unit_leaves_nothing_and_takes_nobody_along(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let units = (0..40).map(|number| {
        let name = format!("w{number}");
        let good = create(Resource::World, json!({"name": name, "run": 1}), None);
        let bad = create(Resource::World, json!({"name": "x", "run": 99}), None);
        let api = api.clone();
        let operations = if number % 2 == 0 { vec![good] } else { vec![good, bad] };
        tokio::spawn(async move { api.commit(unit(operations)).await })
    });
    let mut stored = 0;
    for (number, task) in units.collect::<Vec<_>>().into_iter().enumerate() {
        let answer = task.await.unwrap();
        assert_eq!(answer.is_ok(), number % 2 == 0, "{answer:?}");
        stored += usize::from(answer.is_ok());
    }
    let snapshot = api.load_run(RunPk(1)).await.unwrap().unwrap();
    let worlds = snapshot.objects.iter().filter(|it| it.record.resource() == Resource::World);
    assert_eq!(worlds.count(), 1 + stored);
}

pub(super) async fn get_or_create_is_atomic_for_everybody_who_asks_at_once(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let ask = || {
        let api = api.clone();
        tokio::spawn(async move {
            let operation = Operation::GetOrCreate {
                resource: Resource::Scenario,
                key: fields(json!({"world": 1, "name": "shared"})),
                defaults: Fields::new(),
                reference: Some(Reference(7)),
            };
            api.commit(unit([operation])).await.unwrap().references[&Reference(7)]
        })
    };
    let mut found = Vec::new();
    for task in (0..16).map(|_| ask()).collect::<Vec<_>>() {
        found.push(task.await.unwrap());
    }
    assert!(found.iter().all(|pk| *pk == found[0]), "{found:?}");
}

pub(super) async fn an_upsert_without_role_never_makes_a_second_row(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let first = api.commit(unit([result()])).await.unwrap();
    let second = api.commit(unit([result()])).await.unwrap();
    assert_eq!(first.references, second.references);
    let again = create(Resource::Result, json!({"period": 1, "name": "result"}), None);
    let error = api.commit(unit([again])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid fields: {\"non_field_errors\":[\"The fields name, period, role must make a \
         unique set.\"]}"
    );
}

pub(super) async fn a_failed_precondition_refuses_the_unit(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let children = |children: Vec<i64>| Precondition::Children {
        resource: Resource::Decision,
        parent: "period".to_owned(),
        pk: 1,
        children,
    };
    let with =
        |precondition| UnitOfWork { preconditions: vec![precondition], ..unit([decision(4.0)]) };
    let decided = api.commit(with(children(vec![]))).await.unwrap();
    let error = api.commit(with(children(vec![]))).await.unwrap_err();
    assert!(
        matches!(error, StoreError::PreconditionFailed { resource: Resource::Period, pk: 1 }),
        "{error}"
    );
    api.commit(with(children(vec![decided.references[&Reference(0)]]))).await.unwrap();
    let stale = Precondition::Unchanged {
        resource: Resource::Decision,
        pk: 1,
        updated: Timestamp::from_micros(1),
    };
    let error = api.commit(with(stale)).await.unwrap_err();
    assert!(
        matches!(error, StoreError::PreconditionFailed { resource: Resource::Decision, pk: 1 }),
        "{error}"
    );
    assert!(!error.is_transient());
}

pub(super) async fn updated_grows_with_every_change(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let before = api.commit(unit([decision(0.0)])).await.unwrap().seq;
    let operations: Vec<Operation> = (1..50).map(|number| decision(f64::from(number))).collect();
    api.commit(unit(operations)).await.unwrap();
    let changes = api.subscribe(before - 1).next().await.unwrap();
    assert_eq!(changes.len(), 50);
    let times: Vec<_> = changes.iter().map(|it| it.object.record.updated().unwrap()).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
}

pub(super) async fn a_repeated_call_gets_its_first_answer_also_after_reopening(open: Open) {
    let (place, api) = fresh(open).await;
    small_game(&api).await;
    let call = || UnitOfWork {
        idempotency: Some(Idempotency {
            user: UserPk(2),
            scope: "div.model.period.1.submit_decision".to_owned(),
            key: "k1".to_owned(),
            answer: "\"ok\"".to_owned(),
        }),
        ..unit([create(Resource::Scenario, json!({"world": 1, "name": "once"}), None)])
    };
    let first = api.commit(call()).await.unwrap();
    assert_eq!(first.replayed, None);
    api.close().await;
    let api = open(&place).await;
    assert!(!api.is_new());
    let second = api.commit(call()).await.unwrap();
    assert_eq!((second.replayed.as_deref(), second.seq), (Some("\"ok\""), first.seq));
    let scope = "div.model.period.1.submit_decision";
    assert_eq!(api.answer(UserPk(2), scope, "k1").await.unwrap().as_deref(), Some("\"ok\""));
    assert_eq!(api.answer(UserPk(3), scope, "k1").await.unwrap(), None);
}

pub(super) async fn deletions_are_told_leaves_first_with_their_run(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let before = api.commit(unit([decision(4.0), result()])).await.unwrap().seq;
    api.commit(unit([delete(Resource::Run, 1)])).await.unwrap();
    let run = Some(RunPk(1));
    let expected = [
        Resource::Decision,
        Resource::Result,
        Resource::Period,
        Resource::Scenario,
        Resource::RunUser,
        Resource::World,
        Resource::Run,
    ];
    let expected: Vec<_> = expected.map(|it| (Action::Deleted, it, 1, run)).into();
    assert_eq!(changes(&api, before).await, expected);
    let told = api.subscribe(before).next().await.unwrap();
    assert!(told[0].object.json.contains("\"run_active\":true"), "{}", told[0].object.json);
    api.commit(unit([delete(Resource::Run, 1)])).await.unwrap();
}

pub(super) async fn a_deleted_phase_leaves_its_runs(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let before = api.commit(unit([])).await.unwrap().seq;
    api.commit(unit([delete(Resource::Phase, 1)])).await.unwrap();
    let run = Some(RunPk(1));
    assert_eq!(
        changes(&api, before).await,
        [(Action::Changed, Resource::Run, 1, run), (Action::Deleted, Resource::Phase, 1, None)]
    );
}

pub(super) async fn a_role_in_use_is_not_deleted(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let error = api.commit(unit([delete(Resource::Role, 1)])).await.unwrap_err();
    assert!(matches!(error, StoreError::InUse { resource: Resource::Role, pk: 1 }), "{error}");
    api.commit(unit([delete(Resource::Game, 1)])).await.unwrap();
    assert!(api.load_game("div").await.unwrap().is_none());
}

fn rewind(last_period_order: i64) -> Operation {
    Operation::Rewind {
        scenario: 1,
        last_period_order,
        delete_last_period_decisions: true,
        delete_last_period_results: false,
    }
}

pub(super) async fn a_rewind_keeps_the_last_period(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let second = create(Resource::Period, json!({"scenario": 1, "order": 2}), Some(1));
    let entered = create(Resource::Decision, json!({"period": {"$ref": 1}, "name": "d"}), None);
    let operations = vec![decision(4.0), result(), second, entered];
    let before = api.commit(unit(operations)).await.unwrap().seq;
    api.commit(unit([rewind(1)])).await.unwrap();
    let told: Vec<_> = changes(&api, before).await.into_iter().map(|it| (it.1, it.2)).collect();
    assert_eq!(told, [(Resource::Decision, 1), (Resource::Decision, 2), (Resource::Period, 2)]);
}

pub(super) async fn a_rewind_to_a_missing_period_changes_nothing(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let error = api.commit(unit([rewind(0)])).await.unwrap_err();
    assert!(matches!(&error, StoreError::Invalid(it) if it.has("last_period_order")), "{error}");
    assert_eq!(api.load_run(RunPk(1)).await.unwrap().unwrap().objects.len(), 5);
}

pub(super) async fn moving_a_world_moves_what_is_below(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    api.commit(unit([decision(4.0), result()])).await.unwrap();
    let other = create(Resource::Run, json!({"name": "other", "game": 1}), Some(0));
    api.commit(unit([other])).await.unwrap();
    api.commit(unit([change(Resource::World, 1, json!({"run": 2}))])).await.unwrap();
    let moved = api.load_run(RunPk(2)).await.unwrap().unwrap();
    let kinds: Vec<_> = moved.objects.iter().map(|it| it.record.resource()).collect();
    let expected = [
        Resource::Run,
        Resource::World,
        Resource::Scenario,
        Resource::Period,
        Resource::Decision,
        Resource::Result,
    ];
    assert_eq!(kinds, expected);
}

pub(super) async fn a_scenario_has_exactly_one_parent(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    for body in [json!({"name": "s"}), json!({"name": "s", "world": 1, "runuser": 1})] {
        let error = api.commit(unit([create(Resource::Scenario, body, None)])).await.unwrap_err();
        assert!(matches!(&error, StoreError::Invalid(it) if it.has("non_field_errors")), "{error}");
    }
    let private = create(Resource::Scenario, json!({"name": "s", "runuser": 1}), None);
    api.commit(unit([private])).await.unwrap();
}

pub(super) async fn a_changed_password_counts_at_once(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    api.authenticate("s1@div.edu", "s1").await.unwrap();
    api.commit(unit([change(Resource::User, 2, json!({"password": "new"}))])).await.unwrap();
    let old = api.authenticate("s1@div.edu", "s1").await.unwrap_err();
    assert!(matches!(old, AuthError::Refused), "{old}");
    api.authenticate("s1@div.edu", "new").await.unwrap();
    let journal = api.subscribe(0).next().await.unwrap();
    assert!(journal.iter().all(|it| !it.object.json.contains("password")));
}

pub(super) async fn inactive_and_unknown_users_are_refused_alike(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    api.authenticate("s1@div.edu", "s1").await.unwrap();
    api.commit(unit([change(Resource::User, 2, json!({"is_active": false}))])).await.unwrap();
    for login in ["s1@div.edu", "nobody@div.edu", "99", ""] {
        let error = api.authenticate(login, "s1").await.unwrap_err();
        assert!(matches!(error, AuthError::Refused), "{login}: {error}");
    }
}

pub(super) async fn keys_are_never_given_twice(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let world = || create(Resource::World, json!({"name": "w", "run": 1}), Some(0));
    let first = api.commit(unit([world()])).await.unwrap().references[&Reference(0)];
    api.commit(unit([delete(Resource::World, first)])).await.unwrap();
    let second = api.commit(unit([world()])).await.unwrap().references[&Reference(0)];
    assert!(second > first);
}

pub(super) async fn snapshots_hold_parents_before_children(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let seq = api.commit(unit([decision(4.0), result()])).await.unwrap().seq;
    let game = api.load_game("div").await.unwrap().unwrap();
    assert_eq!((game.seq, game.phases.len(), game.roles.len()), (seq, 1, 1));
    assert_eq!(api.active_runs(sim_games_types::GamePk(1)).await.unwrap(), [RunPk(1)]);
    let run = api.load_run(RunPk(1)).await.unwrap().unwrap();
    let all = api.load_runs(sim_games_types::GamePk(1), true).await.unwrap();
    assert_eq!(run.seq, seq);
    assert_eq!(run.objects, all.objects);
    let kinds: Vec<_> = run.objects.iter().map(|it| it.record.resource()).collect();
    use Resource::{Decision, Period, Result, Run, RunUser, Scenario, World};
    assert_eq!(kinds, [Run, World, RunUser, Scenario, Period, Decision, Result]);
    assert!(api.load_run(RunPk(9)).await.unwrap().is_none());
}

pub(super) async fn keys_of_another_game_or_run_are_refused(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    api.commit(unit([
        create(Resource::Game, json!({"name": "Other"}), Some(0)),
        create(Resource::Role, json!({"name": "Divisor", "game": {"$ref": 0}}), None),
    ]))
    .await
    .unwrap();
    let strange = json!({"name": "d", "period": 1, "role": 2});
    let changed = change(Resource::RunUser, 1, json!({"role": 2}));
    for operation in [create(Resource::Decision, strange, None), changed] {
        let error = api.commit(unit([operation])).await.unwrap_err();
        assert!(matches!(&error, StoreError::Invalid(errors) if errors.has("role")), "{error}");
    }
    api.close().await;
}

pub(super) async fn after_a_failure_it_is_tried_whether_something_can_be_written(open: Open) {
    let (_place, api) = fresh(open).await;
    let before = api.last_seq().await.unwrap();
    let fail = |_: &dyn Writing| Err::<(), _>(Fault::new(FaultKind::Other, "the disk is gone"));
    api.store().chore(Durability::Durable, fail).await.unwrap_err();
    api.check_writable().await.unwrap();
    assert_eq!(api.last_seq().await.unwrap(), before);
}

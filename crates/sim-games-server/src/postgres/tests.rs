//! Tests of what only this database does: servers that go away, several processes, foreign tables.
//! The rest is in `crate::tests`.

mod proxy;

use std::time::Duration;

use axum::http::{Request, StatusCode};
use serde_json::json;
use sim_games_types::{Operation, Resource, UserPk};
use tokio::time::timeout;
use tower::ServiceExt;

use super::connection::PgConnection;
use super::*;
use crate::model::Table;
use crate::sql::{matching_sql, statements as shared};
use crate::tests::fixture::{change, create, unit};
use crate::tests::server::Schema;
use crate::{AuthError, Database, GamesApi, Options};
use proxy::Proxy;

/// How long something may take that should be there at once.
const DEADLINE: Duration = Duration::from_secs(20);

async fn open(url: &str) -> Result<GamesApi, StoreError> {
    let database = Database::Postgres(url.to_owned());
    GamesApi::open(Options { patience: Duration::ZERO, ..Options::of(database) }).await
}

fn game(name: &str) -> Operation {
    create(Resource::Game, json!({ "name": name }), None)
}

/// The numbers of the journal's first changes, as a feed tells them.
async fn numbers(api: &GamesApi, count: usize) -> Vec<u64> {
    let mut feed = api.subscribe(0);
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let changes = timeout(DEADLINE, feed.next()).await.unwrap().unwrap();
        numbers.extend(changes.iter().map(|change| change.seq));
    }
    numbers
}

/// Runs what needs a connection of its own, off the test's thread.
async fn directly<T: Send + 'static>(
    schema: &Schema,
    work: impl FnOnce(&PgConnection) -> T + Send + 'static,
) -> T {
    let address = Address::parse(&schema.url()).unwrap();
    let task = tokio::task::spawn_blocking(move || work(&PgConnection::open(&address).unwrap()));
    task.await.unwrap()
}

#[tokio::test]
async fn processes_that_write_at_once_make_one_journal_without_a_gap() {
    let Some(schema) = Schema::create().await else { return };
    let url = schema.url();
    let (first, second) = tokio::join!(open(&url), open(&url));
    let (first, second) = (first.unwrap(), second.unwrap());
    let start = first.last_seq().await.unwrap();
    assert_eq!(start, 1, "the staff account is made once");
    let write = async |api: &GamesApi, who: &str| {
        for number in 0..25 {
            api.commit(unit([game(&format!("{who} {number}"))])).await.unwrap();
        }
    };
    let heard = (numbers(&first, 51), numbers(&second, 51));
    let (_, _, from_first, from_second) =
        tokio::join!(write(&first, "first"), write(&second, "second"), heard.0, heard.1);
    let all: Vec<u64> = (1..=51).collect();
    assert_eq!((from_first, from_second), (all.clone(), all));
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn a_password_that_another_process_changes_is_forgotten_with_its_tokens() {
    let Some(schema) = Schema::create().await else { return };
    let (first, second) = (open(&schema.url()).await.unwrap(), open(&schema.url()).await.unwrap());
    let account = json!({"email": "s1@div.edu", "password": "old"});
    first.commit(unit([create(Resource::User, account, None)])).await.unwrap();
    let user = second.authenticate("s1@div.edu", "old").await.unwrap().id;
    assert_eq!(user, UserPk(2));
    let token = first.log_in(None, "s1@div.edu", "old").await.unwrap();
    assert_eq!(second.authenticate_token(&token).await.unwrap().id, user);
    let mut news = second.store().live().unwrap();
    let changed = change(Resource::User, user.0, json!({"password": "new"}));
    first.commit(unit([changed])).await.unwrap();
    timeout(DEADLINE, news.recv()).await.unwrap().unwrap();
    let refused = second.authenticate("s1@div.edu", "old").await.unwrap_err();
    assert!(matches!(refused, AuthError::Refused), "{refused}");
    let ended = second.authenticate_token(&token).await.unwrap_err();
    assert!(matches!(ended, AuthError::Refused), "{ended}");
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn a_server_that_goes_away_refuses_for_a_while_and_is_used_again_when_it_comes_back() {
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema).await;
    let api = open(proxy.url()).await.unwrap();
    api.commit(unit([game("before")])).await.unwrap();
    proxy.close();
    let refused = api.commit(unit([game("meanwhile")])).await.unwrap_err();
    assert!(refused.is_transient(), "{refused}");
    let unread = api.load_game("before").await.unwrap_err();
    assert!(unread.is_transient(), "{unread}");
    proxy.open();
    api.commit(unit([game("after")])).await.unwrap();
    assert!(api.load_game("before").await.unwrap().is_some());
    assert!(api.load_game("meanwhile").await.unwrap().is_none());
    api.close().await;
}

#[tokio::test]
async fn a_server_that_is_gone_answers_503_over_rest_and_nothing_is_half_stored() {
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema).await;
    let api = open(proxy.url()).await.unwrap();
    // Its password is remembered, so that what follows is about the object.
    api.authenticate("simpl@simpl.world", "simpl").await.unwrap();
    let router = api.router(None);
    let send = async |name: &str| {
        let request = Request::post("/apis/bulk/roles/")
            .header("authorization", "Basic c2ltcGxAc2ltcGwud29ybGQ6c2ltcGw=")
            .header("content-type", "application/json")
            .body(json!([{"name": name, "game": 1}, {"name": "other", "game": 1}]).to_string());
        router.clone().oneshot(request.unwrap()).await.unwrap()
    };
    api.commit(unit([game("Div")])).await.unwrap();
    proxy.close();
    let refused = send("one").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"), "{refused:?}");
    proxy.open();
    assert_eq!(send("two").await.status(), StatusCode::CREATED);
    let roles = api.load_game("div").await.unwrap().unwrap().roles;
    assert_eq!(roles.len(), 2, "the refused ones are not there");
    api.close().await;
}

#[tokio::test]
async fn a_broken_connection_is_replaced_without_anybody_noticing() {
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema).await;
    let api = open(proxy.url()).await.unwrap();
    for round in 0..5 {
        // At once, not after the time that a silent server is given.
        let committing = api.commit(unit([game(&format!("game {round}"))]));
        timeout(DEADLINE, committing).await.unwrap().unwrap();
        let slug = format!("game-{round}");
        let found = timeout(DEADLINE, api.load_game(&slug)).await.unwrap().unwrap();
        assert!(found.is_some());
        proxy.cut();
    }
    api.close().await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_neither_lost_nor_doubled() {
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema).await;
    let api = open(proxy.url()).await.unwrap();
    proxy.lose_the_answer_to_a_commit();
    let told = api.commit(unit([game("answer lost")])).await.unwrap();
    assert_eq!(told.seq, 2);
    assert!(api.load_game("answer-lost").await.unwrap().is_some());
    proxy.lose_a_commit();
    let told = api.commit(unit([game("commit lost")])).await.unwrap();
    assert_eq!(told.seq, 3);
    assert_eq!(numbers(&api, 3).await, [1, 2, 3]);
    api.close().await;
}

#[tokio::test]
async fn what_others_wrote_while_nobody_listened_is_heard_afterwards() {
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema).await;
    let (cut_off, other) = (open(proxy.url()).await.unwrap(), open(&schema.url()).await.unwrap());
    let mut feed = cut_off.subscribe(1);
    proxy.close();
    other.commit(unit([game("unheard")])).await.unwrap();
    proxy.open();
    let changes = timeout(DEADLINE, feed.next()).await.unwrap().unwrap();
    assert_eq!(changes[0].seq, 2);
    cut_off.close().await;
    other.close().await;
}

#[tokio::test]
async fn several_that_start_on_an_empty_database_make_its_tables_once() {
    let Some(schema) = Schema::create().await else { return };
    let url = schema.url();
    let opened = tokio::join!(open(&url), open(&url), open(&url), open(&url));
    for api in [opened.0, opened.1, opened.2, opened.3] {
        let api = api.unwrap();
        assert_eq!(api.last_seq().await.unwrap(), 1);
        api.close().await;
    }
}

#[tokio::test]
async fn tables_of_another_program_or_of_a_later_version_are_refused() {
    let Some(schema) = Schema::create().await else { return };
    directly(&schema, |it| it.batch("CREATE TABLE journal (day DATE)").unwrap()).await;
    let error = open(&schema.url()).await.unwrap_err().to_string();
    assert!(error.ends_with("has tables of another program"), "{error}");
    directly(&schema, |it| it.batch("DROP TABLE journal").unwrap()).await;
    open(&schema.url()).await.unwrap().close().await;
    directly(&schema, |it| it.batch("UPDATE games_api_schema SET version = 99").unwrap()).await;
    let error = open(&schema.url()).await.unwrap_err().to_string();
    assert!(error.contains("have version 99"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_named_without_its_password() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let url = format!("postgres://me:secret@127.0.0.1:{port}/games");
    let error = open(&url).await.unwrap_err().to_string();
    assert!(error.contains(&format!("`postgres://127.0.0.1:{port}/games`")), "{error}");
    assert!(error.contains("start the server") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_natural_key_is_found_through_its_own_index() {
    let Some(schema) = Schema::create().await else { return };
    open(&schema.url()).await.unwrap().close().await;
    let plans = directly(&schema, |connection| {
        // With so few rows it would read the whole table.
        connection.batch("SET enable_seqscan = off").unwrap();
        Resource::ALL.map(|resource| {
            let table = Table::of(resource);
            let sql = format!("EXPLAIN {}", matching_sql(connection, table, table.natural_key));
            let nothing = vec![crate::sql::connection::Value::Null; table.natural_key.len()];
            let reading: &dyn Connection = connection;
            let plan = reading.rows(&sql, &nothing, |row| row.text(0).map(str::to_owned));
            (format!("{}_natural", table.name()), plan.unwrap().join("\n"))
        })
    });
    for (index, plan) in plans.await {
        assert!(plan.contains(&index) || plan.contains("One-Time Filter"), "{index}: {plan}");
    }
}

#[tokio::test]
async fn every_table_has_the_columns_that_its_description_names() {
    let Some(schema) = Schema::create().await else { return };
    open(&schema.url()).await.unwrap().close().await;
    directly(&schema, |connection| {
        for resource in Resource::ALL {
            let table = Table::of(resource);
            let all: Vec<usize> = (0..table.fields.len()).collect();
            let of = shared::of(resource);
            let mut texts = vec![
                of.select.clone(),
                of.by_pk.clone(),
                of.current.clone(),
                of.delete.clone(),
                statements::insert(resource).to_owned(),
                statements::update(table, &all),
                statements::update(table, &[0]),
            ];
            texts.extend(table.filters.iter().map(|it| format!("{} WHERE {}", of.select, it.sql)));
            for sql in texts {
                connection.prepare(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
            }
        }
    })
    .await;
}

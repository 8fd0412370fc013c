//! The memory of verified passwords and of tokens, and the limits of failures.

use std::net::Ipv4Addr;

use serde_json::json;
use sim_games_types::Resource;

use super::*;
use crate::tests::fixture::create;

fn credentials() -> Credentials {
    let minute = Duration::from_secs(60);
    Credentials::new(Limits { failures: 3, address_failures: 5, window: minute, memory: minute })
}

fn attempt<'a>(login: &'a str, secret: &'a str) -> Attempt<'a> {
    Attempt { login, secret, client: None, epoch: 0 }
}

async fn hash(credentials: &Credentials, password: &str) -> String {
    credentials.hash(password.to_owned()).await.unwrap()
}

#[tokio::test]
async fn only_the_right_password_is_accepted_and_then_remembered() {
    let credentials = credentials();
    let hash = hash(&credentials, "s1").await;
    let account = Some((UserPk(1), Some(hash.as_str())));
    for expected in [Verified::ByHash, Verified::FromMemory] {
        let verified = credentials.verify(attempt("a@b.c", "s1"), account).await.unwrap();
        assert_eq!(verified, expected);
    }
    let wrong = credentials.verify(attempt("a@b.c", "s2"), account).await.unwrap_err();
    assert!(matches!(wrong, AuthError::Refused), "{wrong}");
}

#[tokio::test]
async fn nothing_is_remembered_once_it_is_unknown_who_has_changed() {
    let credentials = credentials();
    let hash = hash(&credentials, "s1").await;
    let account = Some((UserPk(1), Some(hash.as_str())));
    credentials.verify(attempt("a@b.c", "s1"), account).await.unwrap();
    credentials.forget_all();
    let again = credentials.verify(attempt("a@b.c", "s1"), account).await.unwrap();
    assert_eq!(again, Verified::ByHash);
}

#[tokio::test]
async fn guessing_is_limited_per_account_while_a_verified_password_still_works() {
    let credentials = credentials();
    let hash = hash(&credentials, "s1").await;
    let account = Some((UserPk(1), Some(hash.as_str())));
    credentials.verify(attempt("a@b.c", "s1"), account).await.unwrap();
    for _ in 0..3 {
        credentials.verify(attempt("a@b.c", "guess"), account).await.unwrap_err();
    }
    let limited = credentials.verify(attempt("a@b.c", "guess"), account).await.unwrap_err();
    assert!(matches!(limited, AuthError::Limited { .. }), "{limited}");
    credentials.verify(attempt("a@b.c", "s1"), account).await.unwrap();
    let other = credentials.verify(attempt("x@y.z", "guess"), None).await.unwrap_err();
    assert!(matches!(other, AuthError::Refused), "{other}");
}

#[tokio::test]
async fn guessing_many_accounts_is_limited_per_address() {
    let credentials = credentials();
    let client = Some(IpAddr::from([2001, 0xdb8, 0, 0, 0, 0, 0, 1]));
    let neighbor = Some(IpAddr::from([2001, 0xdb8, 0, 0, 9, 9, 9, 9]));
    let elsewhere = Some(IpAddr::from(Ipv4Addr::LOCALHOST));
    for number in 0..5 {
        let name = format!("{number}@b.c");
        let attempt = Attempt { client, ..attempt(&name, "guess") };
        let refused = credentials.verify(attempt, None).await.unwrap_err();
        assert!(matches!(refused, AuthError::Refused), "{refused}");
    }
    for (client, limited) in [(client, true), (neighbor, true), (elsewhere, false), (None, false)] {
        let attempt = Attempt { client, ..attempt("new@b.c", "guess") };
        let error = credentials.verify(attempt, None).await.unwrap_err();
        assert_eq!(matches!(error, AuthError::Limited { .. }), limited, "{client:?}: {error}");
    }
}

#[tokio::test]
async fn a_check_that_began_before_the_user_changed_is_not_remembered() {
    let credentials = credentials();
    let hash = hash(&credentials, "old").await;
    let before = credentials.epoch();
    credentials.forget_tokens([]);
    let old = Attempt { epoch: before, ..attempt("a@b.c", "old") };
    credentials.verify(old, Some((UserPk(1), Some(&hash)))).await.unwrap();
    let digest = credentials.digest(UserPk(1), "old");
    assert!(!credentials.is_verified(UserPk(1), &digest));
}

#[tokio::test(start_paused = true)]
async fn failures_are_answered_at_steps_of_time() {
    let credentials = credentials();
    for (worked, answered) in [(0, 500), (20, 500), (499, 500), (500, 1000), (730, 1000)] {
        let since = Instant::now();
        tokio::time::advance(Duration::from_millis(worked)).await;
        credentials.even_out(since).await;
        assert_eq!(since.elapsed().as_millis(), answered, "after {worked} ms");
    }
}

#[tokio::test]
async fn few_passwords_are_hashed_at_full_cost_and_many_at_less() {
    let credentials = credentials();
    for (count, full) in [(1, true), (16, true), (17, false), (40, false)] {
        let user = |_| create(Resource::User, json!({"email": "a@b.c", "password": "same"}), None);
        let mut operations: Vec<_> = (0..count).map(user).collect();
        operations.push(create(Resource::User, json!({"email": "x@y.z"}), None));
        operations.push(create(Resource::User, json!({"password": ""}), None));
        operations.push(create(Resource::Game, json!({"password": "no user"}), None));
        credentials.hash_passwords(&mut operations).await.unwrap();
        let passwords: Vec<_> =
            operations.iter().map(|it| password(it).unwrap_or("none")).collect();
        assert_eq!(passwords[count..], ["none", "", "no user"]);
        let hashes: BTreeSet<_> = passwords[..count].iter().collect();
        assert_eq!(hashes.len(), count, "equal passwords have hashes of their own");
        assert!(passwords[..count].iter().all(|hash| is_current(hash) == full));
        assert!(hashes::matches("same", passwords[count - 1]));
    }
}

fn password(operation: &sim_games_types::Operation) -> Option<&str> {
    match operation {
        sim_games_types::Operation::Create { fields, .. } => fields.get("password")?.as_str(),
        _ => None,
    }
}

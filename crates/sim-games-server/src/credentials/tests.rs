//! Passwords, the memory of verified ones, and the limit of failures.

use super::*;

fn credentials() -> Credentials {
    let minute = Duration::from_secs(60);
    Credentials::new(Limits { failures: 3, window: minute, memory: minute })
}

#[tokio::test]
async fn only_the_right_password_is_accepted() {
    let credentials = credentials();
    let hash = credentials.hash("s1").await.unwrap();
    let account = Some((UserPk(1), Some(hash.as_str())));
    credentials.verify("a@b.c", account, "s1", 0).await.unwrap();
    let wrong = credentials.verify("a@b.c", account, "s2", 0).await.unwrap_err();
    assert!(matches!(wrong, AuthError::Refused), "{wrong}");
}

#[tokio::test]
async fn the_hash_for_nobody_is_well_formed_and_costs_the_same() {
    let nobody = PasswordHash::new(NOBODY).unwrap();
    let params = Params::try_from(&nobody).unwrap();
    let ours = hasher();
    let expected = ours.params();
    assert_eq!(
        (params.m_cost(), params.t_cost(), params.p_cost()),
        (expected.m_cost(), expected.t_cost(), expected.p_cost())
    );
}

#[tokio::test]
async fn guessing_is_limited_per_account_while_a_verified_password_still_works() {
    let credentials = credentials();
    let hash = credentials.hash("s1").await.unwrap();
    let account = Some((UserPk(1), Some(hash.as_str())));
    credentials.verify("a@b.c", account, "s1", 0).await.unwrap();
    for _ in 0..3 {
        credentials.verify("a@b.c", account, "guess", 0).await.unwrap_err();
    }
    let limited = credentials.verify("a@b.c", account, "guess", 0).await.unwrap_err();
    assert!(matches!(limited, AuthError::Limited { .. }), "{limited}");
    credentials.verify("a@b.c", account, "s1", 0).await.unwrap();
    let other = credentials.verify("x@y.z", None, "guess", 0).await.unwrap_err();
    assert!(matches!(other, AuthError::Refused), "{other}");
}

#[tokio::test]
async fn a_check_that_began_before_the_user_changed_is_not_remembered() {
    let credentials = credentials();
    let hash = credentials.hash("old").await.unwrap();
    let before = credentials.epoch();
    credentials.epoch.fetch_add(1, Ordering::SeqCst);
    credentials.verify("a@b.c", Some((UserPk(1), Some(&hash))), "old", before).await.unwrap();
    let digest = credentials.digest(UserPk(1), "old");
    assert!(!credentials.is_verified(UserPk(1), &digest));
}

#[test]
fn the_memory_is_bounded() {
    let until = Instant::now() + Duration::from_secs(60);
    let mut map = HashMap::new();
    for number in 0..=REMEMBERED {
        insert_bounded(&mut map, number, until, |until| *until);
    }
    assert!(map.len() <= REMEMBERED);
}

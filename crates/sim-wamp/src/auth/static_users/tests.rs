//! Users of a list, and those who are not on it.

use super::*;
use crate::ScramKdf;

fn keys() -> ScramKeys {
    ScramKeys::derive("pencil", ScramKdf::Pbkdf2 { iterations: 4096 }, [1; 16]).unwrap()
}

fn users() -> StaticUsers {
    let cat = StaticUser::new("cat", "admin").cra_password("nap", "salt123", 1500, 24).unwrap();
    StaticUsers::new()
        .user(StaticUser::new("ann", "user").ticket("t1").public_key([1; 32]).public_key([2; 32]))
        .user(StaticUser::new("bob", "user").ticket("t2").public_key([2; 32]).scram_keys(keys()))
        .user(cat)
}

#[tokio::test]
async fn tickets_are_each_users_own() {
    let users = users();
    let ann = users.ticket("ann", "t1", "realm1").await.unwrap();
    assert_eq!(ann, Identity::new("ann", "user", "static"));
    for (authid, ticket) in [("ann", "t2"), ("ann", ""), ("cat", ""), ("dan", ""), ("dan", "t1")] {
        let refused = users.ticket(authid, ticket, "realm1").await.unwrap_err();
        assert_eq!(refused, AuthRefused::new("unknown user or wrong ticket"), "{authid}");
    }
}

#[tokio::test]
async fn keys_tell_who_one_is_unless_several_have_them() {
    let users = users();
    for (authid, key, expected) in [
        (None, 1, Some("ann")),
        (None, 2, None),
        (None, 3, None),
        (Some("ann"), 2, Some("ann")),
        (Some("bob"), 2, Some("bob")),
        (Some("bob"), 1, None),
        (Some("dan"), 1, None),
    ] {
        let found = users.public_key(authid, &[key; 32], "realm1").await.unwrap();
        assert_eq!(found.as_ref().map(|identity| &*identity.authid), expected, "{authid:?} {key}");
    }
}

#[tokio::test]
async fn what_nobody_has_is_not_offered() {
    assert_eq!(StaticUsers::new().methods("realm1"), []);
    assert!(StaticUsers::new().anonymous("realm1").await.is_err());
    use AuthMethod::{Anonymous, Cryptosign, Scram, Ticket, Wampcra};
    assert_eq!(users().methods("realm1"), [Cryptosign, Scram, Wampcra, Ticket]);
    let guests = users().guests("guest");
    assert_eq!(guests.methods("realm1"), [Cryptosign, Scram, Wampcra, Ticket, Anonymous]);
    let guest = guests.anonymous("realm1").await.unwrap();
    assert_eq!(guest, Identity::new("anonymous", "guest", "static"));
    let tickets = StaticUsers::new().user(StaticUser::new("ann", "user").ticket("t1"));
    assert_eq!(tickets.methods("realm1"), [Ticket]);
}

#[tokio::test]
async fn what_a_user_has_not_is_unknown() {
    let users = users();
    for authid in ["ann", "dan"] {
        assert!(users.cra_secret(authid, "realm1").await.unwrap().is_none());
        assert!(users.scram_secret(authid, "realm1").await.unwrap().is_none());
    }
    assert!(users.cra_secret("cat", "realm1").await.unwrap().is_some());
    assert!(users.scram_secret("bob", "realm1").await.unwrap().is_some());
}

#[test]
fn strangers_look_like_one_of_the_users() {
    let users = users().user(StaticUser::new("dan", "user").cra_secret("plain"));
    let salted = super::super::CraCost { iterations: 1500, keylen: 24 };
    let expected = [("admin", Some(salted)), ("user", None)];
    for choice in 0..9 {
        let decoy = users.decoy("realm1", choice);
        assert!(expected.contains(&(&*decoy.authrole, decoy.cra)), "{decoy:?}");
        assert_eq!(decoy.scram, keys().kdf);
    }
    assert_ne!(users.decoy("realm1", 0), users.decoy("realm1", 1));
    assert_eq!(StaticUsers::new().decoy("realm1", 0), Decoy::default());
}

#[test]
fn later_users_replace_earlier_ones_and_debug_texts_hide_all() {
    let users = users().user(StaticUser::new("ann", "guest").ticket("hush").cra_secret("hush"));
    assert_eq!(users.users.len(), 3);
    let text = format!("{users:?}");
    assert!(text.contains("guest") && !text.contains("hush") && !text.contains("104"), "{text}");
}

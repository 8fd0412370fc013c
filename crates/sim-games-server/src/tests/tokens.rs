//! Logins by token, and hashes that are made anew.

use serde_json::json;
use sim_games_types::{Resource, UserPk};

use super::fixture::{Open, change, create, delete, fresh, small_game, unit};
use crate::credentials::{Digest, is_current};
use crate::store::Work;
use crate::{AuthError, GamesApi};

/// The player of the small game.
const PLAYER: UserPk = UserPk(2);

/// The player's password as Django would have stored it.
const OF_DJANGO: &str = "pbkdf2_sha256$1$salt$fQYwFBtQ4nXSB2b6ezTL3CAxlFzWuq4M3utlYMR7Lwo=";

async fn log_in(api: &GamesApi) -> String {
    api.log_in(None, "s1@div.edu", "s1").await.unwrap()
}

async fn assert_ended(api: &GamesApi, token: &str, why: &str) {
    let error = api.authenticate_token(token).await.unwrap_err();
    assert!(matches!(error, AuthError::Refused), "{why}: {error}");
}

async fn hash(api: &GamesApi) -> String {
    api.store().account("s1@div.edu").await.unwrap().unwrap().password.unwrap()
}

async fn replace_hash(api: &GamesApi, new: &str) {
    assert!(api.store().replace_hash(PLAYER, hash(api).await, new.to_owned()).await.unwrap());
}

pub(super) async fn a_token_is_its_user_until_it_is_logged_out(open: Open) {
    let (place, api) = fresh(open).await;
    small_game(&api).await;
    let before = api.last_seq().await.unwrap();
    let (first, second) = (log_in(&api).await, log_in(&api).await);
    assert_ne!(first, second);
    for token in [&first, &second, &first] {
        assert_eq!(api.authenticate_token(token).await.unwrap().id, PLAYER);
    }
    api.log_out(&first).await.unwrap();
    assert_ended(&api, &first, "it was logged out").await;
    assert_eq!(api.last_seq().await.unwrap(), before, "logins are not journaled");
    api.close().await;
    let api = open(&place).await;
    assert_eq!(api.authenticate_token(&second).await.unwrap().email, "s1@div.edu");
    assert_ended(&api, &first, "it was logged out before the restart").await;
    for no_token in ["", "0123456789abcdef0123456789abcdef01234567", "a\0b"] {
        assert_ended(&api, no_token, "nobody has it").await;
    }
    api.close().await;
}

pub(super) async fn of_a_token_only_the_digest_is_stored(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let token = log_in(&api).await;
    let stored = api.store().tokens_of(PLAYER).await.unwrap();
    assert_eq!(stored, [Digest::of(&token).unwrap()]);
    assert!(!stored[0].as_str().contains(&token));
    api.close().await;
}

pub(super) async fn the_twenty_first_token_ends_the_oldest(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let mut tokens = Vec::new();
    for _ in 0..21 {
        tokens.push(log_in(&api).await);
        api.authenticate_token(&tokens[0]).await.ok();
    }
    assert_ended(&api, &tokens[0], "it was displaced").await;
    for token in &tokens[1..] {
        assert_eq!(api.authenticate_token(token).await.unwrap().id, PLAYER);
    }
    let staff = api.log_in(None, "simpl@simpl.world", "simpl").await.unwrap();
    assert_eq!(api.authenticate_token(&staff).await.unwrap().id, UserPk(1));
    assert_eq!(api.store().tokens_of(PLAYER).await.unwrap().len(), 20);
    api.close().await;
}

pub(super) async fn a_user_who_may_no_longer_log_in_has_no_tokens(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let renamed = change(Resource::User, 2, json!({"first_name": "S", "is_active": true}));
    let deactivated = change(Resource::User, 2, json!({"is_active": false}));
    let activated = change(Resource::User, 2, json!({"is_active": true}));
    let password = change(Resource::User, 2, json!({"password": "s1"}));
    for (operation, why) in [(deactivated, "deactivated"), (password, "another password")] {
        api.commit(unit([activated.clone()])).await.unwrap();
        let token = log_in(&api).await;
        api.authenticate_token(&token).await.unwrap();
        api.commit(unit([renamed.clone()])).await.unwrap();
        assert_eq!(api.authenticate_token(&token).await.unwrap().first_name, "S");
        api.commit(unit([operation])).await.unwrap();
        assert_ended(&api, &token, why).await;
        api.commit(unit([activated.clone()])).await.unwrap();
        assert_ended(&api, &token, "tokens do not come back").await;
    }
    let token = log_in(&api).await;
    api.authenticate_token(&token).await.unwrap();
    api.commit(unit([delete(Resource::User, 2)])).await.unwrap();
    assert_ended(&api, &token, "deleted").await;
    assert_eq!(api.store().tokens_of(PLAYER).await.unwrap(), []);
    api.close().await;
}

pub(super) async fn a_new_password_keeps_the_token_in_use_and_no_other(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let (used, other) = (log_in(&api).await, log_in(&api).await);
    let password = || unit([change(Resource::User, 2, json!({"password": "new"}))]);
    let work = |token: &str| Work { keep_token: Digest::of(token), ..password().into() };
    api.write(work(&used)).await.unwrap();
    assert_ended(&api, &other, "another password").await;
    assert_eq!(api.authenticate_token(&used).await.unwrap().id, PLAYER);
    // A unit that is refused ends nothing.
    let refused = unit([
        change(Resource::User, 2, json!({"password": "newer"})),
        create(Resource::Game, json!({}), None),
    ]);
    api.commit(refused).await.unwrap_err();
    assert_eq!(api.authenticate_token(&used).await.unwrap().id, PLAYER);
    api.close().await;
}

pub(super) async fn a_password_that_changed_since_it_was_checked_gives_no_token(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let checked = hash(&api).await;
    let digest = || Digest::of(&"a".repeat(40)).unwrap();
    api.commit(unit([change(Resource::User, 2, json!({"password": "new"}))])).await.unwrap();
    let added = api.store().add_token(PLAYER, checked, digest()).await.unwrap();
    assert_eq!(added, None);
    api.commit(unit([change(Resource::User, 2, json!({"is_active": false}))])).await.unwrap();
    let added = api.store().add_token(PLAYER, hash(&api).await, digest()).await.unwrap();
    assert_eq!(added, None);
    api.close().await;
}

pub(super) async fn a_hash_that_django_wrote_is_replaced_after_the_first_login(open: Open) {
    let (place, api) = fresh(open).await;
    small_game(&api).await;
    replace_hash(&api, OF_DJANGO).await;
    let before = api.last_seq().await.unwrap();
    api.authenticate("s1@div.edu", "guess").await.unwrap_err();
    let (first, second) =
        tokio::join!(api.authenticate("s1@div.edu", "s1"), api.log_in(None, "2", "s1"));
    assert_eq!((first.unwrap().id, second.is_ok()), (PLAYER, true));
    // Closing waits for what is under way.
    api.close().await;
    let api = open(&place).await;
    assert!(is_current(&hash(&api).await), "{}", hash(&api).await);
    api.authenticate("s1@div.edu", "s1").await.unwrap();
    api.authenticate("s1@div.edu", "guess").await.unwrap_err();
    assert_eq!(api.last_seq().await.unwrap(), before, "renewing is not journaled");
    api.close().await;
}

pub(super) async fn a_hash_that_cannot_be_read_lets_nobody_in(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    for broken in ["!unusable", "pbkdf2_sha256$1$salt", "$argon2id$v=19$m=1"] {
        replace_hash(&api, broken).await;
        for login in ["s1@div.edu", "s1@div.edu\0"] {
            let error = api.authenticate(login, "s1").await.unwrap_err();
            assert!(matches!(error, AuthError::Refused | AuthError::Limited { .. }), "{error}");
        }
    }
    api.close().await;
}

pub(super) async fn a_renewal_never_undoes_a_new_password(open: Open) {
    let (_place, api) = fresh(open).await;
    small_game(&api).await;
    let old = hash(&api).await;
    api.commit(unit([change(Resource::User, 2, json!({"password": "new"}))])).await.unwrap();
    let replaced = api.store().replace_hash(PLAYER, old, OF_DJANGO.to_owned()).await.unwrap();
    assert!(!replaced);
    api.authenticate("s1@div.edu", "new").await.unwrap();
    api.close().await;
}

pub(super) async fn many_users_of_one_unit_log_in_and_get_better_hashes(open: Open) {
    let (place, api) = fresh(open).await;
    let users: Vec<_> = (0..30)
        .map(|it| json!({"email": format!("u{it}@div.edu"), "password": format!("p{}", it / 2)}))
        .map(|fields| create(Resource::User, fields, None))
        .collect();
    api.commit(unit(users)).await.unwrap();
    api.authenticate("u7@div.edu", "p3").await.unwrap();
    api.authenticate("u8@div.edu", "p3").await.unwrap_err();
    api.close().await;
    let api = open(&place).await;
    for (login, current) in [("u7@div.edu", true), ("u8@div.edu", false)] {
        let account = api.store().account(login).await.unwrap().unwrap();
        assert_eq!(is_current(&account.password.unwrap()), current, "{login}");
    }
    api.close().await;
}

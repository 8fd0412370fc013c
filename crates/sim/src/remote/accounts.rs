//! The accounts of a remote Games API, with what was verified remembered for some minutes.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use sim_games_client::{Client, Error, Login};
use sim_games_types::{Action, Change, Lookup, Record, User, UserPk};
use sim_ui::Newcomer;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::rest::port_error;
use crate::accounts::{Accounts, LoginError, account_of};

/// How long a verified password or token is remembered.
const MEMORY: Duration = Duration::from_secs(300);

/// How long a user's record is remembered that was looked up without proof.
const USER_MEMORY: Duration = Duration::from_secs(30);

/// How long a token is good that was given here.
const TOKEN_MEMORY: Duration = Duration::from_secs(12 * 60 * 60);

/// How much is remembered of each kind.
const MOST: usize = 10_000;

/// Failures of one account within [`WINDOW`] after which more attempts are refused.
const FAILURES: u32 = 10;

/// How long failures count.
const WINDOW: Duration = Duration::from_secs(60);

/// What is said of a wrong password and of an unknown user alike.
const REFUSED: &str = "unknown user or wrong password";

/// The accounts of a remote Games API.
pub(crate) struct RemoteAccounts {
    client: Client,
    /// Made anew at every start: the remembered digests are useless elsewhere.
    key: [u8; 32],
    verified: Memory<[u8; 32], User>,
    users: Memory<UserPk, User>,
    failures: Memory<String, u32>,
    /// The tokens that were given here: they are known to this process only.
    tokens: Memory<[u8; 32], UserPk>,
}

impl RemoteAccounts {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            key: rand::random(),
            verified: Memory::default(),
            users: Memory::default(),
            failures: Memory::default(),
            tokens: Memory::default(),
        }
    }

    /// Forgets a user who has changed.
    pub(super) fn heed(&self, change: &Change) {
        if let Record::User(user) = &change.object.record
            && change.action != Action::Created
        {
            self.users.retain(|pk, _| *pk != user.id);
            self.verified.retain(|_, known| known.id != user.id);
        }
    }

    fn digest(&self, login: &str, secret: &str) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(&(login.len() as u64).to_be_bytes());
        mac.update(login.as_bytes());
        mac.update(secret.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn remembered(&self, digest: &[u8; 32]) -> Option<User> {
        self.verified.find(digest, |known| known.ct_eq(digest).into())
    }

    async fn check(&self, login: &str, password: &str) -> Result<Option<User>, Error> {
        let key = login.parse().ok().map(UserPk);
        let asked = key.map_or(Login::Email(login), Login::Pk);
        let found = match self.client.authcheck(asked, password).await {
            // The original fails over a user whom it does not know; ours limits guessing.
            Err(Error::Refused { status: 500 | 400 | 429, .. }) => None,
            found => found?,
        };
        let Some(found) = found else { return Ok(None) };
        let user = self.client.users().get(found.authid).await?;
        // The original lets those log in who were locked out.
        Ok(Some(user).filter(|user| user.is_active))
    }
}

#[async_trait]
impl Accounts for RemoteAccounts {
    async fn of_token(&self, token: &str) -> Option<User> {
        let is_token = token.len() == 40 && token.bytes().all(|it| it.is_ascii_hexdigit());
        if !is_token {
            return None;
        }
        let digest = self.digest("", token);
        if let Some(user) = self.remembered(&digest) {
            return Some(user);
        }
        if let Some(pk) = self.tokens.find(&digest, |known| known.ct_eq(&digest).into()) {
            return self.user(pk).await.filter(|user| user.is_active);
        }
        match self.client.user_of_token(token).await {
            Ok(found) => {
                let user = found.filter(|user| user.is_active)?;
                self.verified.insert(digest, user.clone(), MEMORY);
                Some(user)
            }
            Err(error) => {
                tracing::debug!("a login token could not be checked: {}", port_error(&error));
                None
            }
        }
    }

    async fn of_password(&self, login: &str, password: &str) -> Result<User, LoginError> {
        let login = login.trim().to_lowercase();
        let digest = self.digest(&login, password);
        if let Some(user) = self.remembered(&digest) {
            return Ok(user);
        }
        if self.failures.get(&login).is_some_and(|count| count >= FAILURES) {
            let text = "too many failed logins, try again in a minute";
            return Err(LoginError::Refused(text.to_owned()));
        }
        // An empty password or a name that is neither key nor address is not even asked about.
        let is_name = login.contains('@') || login.parse::<i64>().is_ok();
        let found = match is_name && !password.is_empty() {
            true => self.check(&login, password).await.map_err(|error| unavailable(&error))?,
            false => None,
        };
        let Some(user) = found else {
            self.failures.update(login, WINDOW, |count| count + 1);
            return Err(LoginError::Refused(REFUSED.to_owned()));
        };
        self.failures.retain(|name, _| *name != login);
        self.verified.insert(digest, user.clone(), MEMORY);
        Ok(user)
    }

    async fn user(&self, pk: UserPk) -> Option<User> {
        if let Some(user) = self.users.get(&pk) {
            return Some(user);
        }
        match self.client.users().get(pk).await {
            Ok(user) => {
                self.users.insert(pk, user.clone(), USER_MEMORY);
                Some(user)
            }
            Err(Error::NotFound { .. }) => None,
            Err(error) => {
                tracing::warn!("a user could not be looked up: {}", port_error(&error));
                None
            }
        }
    }

    async fn log_in(
        &self,
        _: Option<IpAddr>,
        login: &str,
        password: &str,
    ) -> Result<String, LoginError> {
        let user = self.of_password(login, password).await?;
        let token = hex::encode(rand::random::<[u8; 20]>());
        self.tokens.insert(self.digest("", &token), user.id, TOKEN_MEMORY);
        Ok(token)
    }

    async fn log_out(&self, token: &str) {
        let digest = self.digest("", token);
        self.tokens.retain(|known, _| *known != digest);
    }

    async fn sign_up(&self, newcomer: &Newcomer) -> Result<bool, LoginError> {
        match self.client.users().create(&account_of(newcomer)).await {
            Ok(_) => Ok(true),
            Err(Error::Conflict { .. }) => Ok(false),
            Err(Error::Refused { status: 400, message, .. }) => Err(LoginError::Refused(message)),
            Err(error) => Err(unavailable(&error)),
        }
    }

    async fn invite(&self, newcomer: &Newcomer) -> Result<(UserPk, bool), LoginError> {
        let lookup = Lookup::new().with("email", &newcomer.login);
        match self.client.users().get_or_create(&lookup, &account_of(newcomer)).await {
            Ok((user, is_new)) => Ok((user.id, is_new)),
            Err(Error::Refused { status: 400, message, .. }) => Err(LoginError::Refused(message)),
            Err(error) => Err(unavailable(&error)),
        }
    }

    async fn set_first_password(&self, user: UserPk, password: &str) -> Result<bool, LoginError> {
        let set = async {
            // The original clears what is left out.
            let mut fields = json!(self.client.users().get(user).await?);
            fields["password"] = password.into();
            self.client.users().replace(&user.to_string(), &fields).await
        };
        set.await.map(|_| true).map_err(|error| unavailable(&error))
    }
}

fn unavailable(error: &Error) -> LoginError {
    LoginError::Unavailable(port_error(error).to_string())
}

/// What is known for a while. When it is full, what has expired goes; when that is not enough, all.
struct Memory<K, V>(Mutex<HashMap<K, (V, Instant)>>);

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Memory<K, V> {
    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<K, (V, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, key: &K) -> Option<V> {
        self.find(key, |_| true)
    }

    fn find(&self, key: &K, is_it: impl Fn(&K) -> bool) -> Option<V> {
        let entries = self.entries();
        let (known, (value, until)) = entries.get_key_value(key)?;
        (*until > Instant::now() && is_it(known)).then(|| value.clone())
    }

    fn insert(&self, key: K, value: V, memory: Duration) {
        let mut entries = self.entries();
        make_room(&mut entries);
        entries.insert(key, (value, Instant::now() + memory));
    }

    fn retain(&self, keep: impl Fn(&K, &V) -> bool) {
        self.entries().retain(|key, (value, _)| keep(key, value));
    }
}

impl<K: Eq + Hash, V: Clone + Default> Memory<K, V> {
    /// Changes what is known, starting anew when it has expired; the time goes on.
    fn update(&self, key: K, memory: Duration, change: impl FnOnce(V) -> V) {
        let mut entries = self.entries();
        make_room(&mut entries);
        let now = Instant::now();
        let (value, until) = entries
            .remove(&key)
            .filter(|(_, until)| *until > now)
            .unwrap_or_else(|| (V::default(), now + memory));
        entries.insert(key, (change(value), until));
    }
}

fn make_room<K: Eq + Hash, V>(entries: &mut HashMap<K, (V, Instant)>) {
    if entries.len() >= MOST {
        let now = Instant::now();
        entries.retain(|_, (_, until)| *until > now);
        if entries.len() >= MOST {
            entries.clear();
        }
    }
}

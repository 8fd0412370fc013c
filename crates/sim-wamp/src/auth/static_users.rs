//! Users that are known from the start, as from a configuration.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::cra::CraKey;
use super::crypto::SecretError;
use super::{
    AuthMethod, AuthRefused, Authenticator, CraSecret, Decoy, Identity, ScramKeys, ScramSecret,
};
use crate::Dict;

/// Who vouches for all of them.
const PROVIDER: &str = "static";

/// An [`Authenticator`] of users that are known from the start, in every realm.
///
/// It offers the methods by which any of them can log in. The challenges of unknown users look
/// like those of users who exist.
#[derive(Debug, Clone, Default)]
pub struct StaticUsers {
    users: BTreeMap<String, StaticUser>,
    anonymous: Option<Identity>,
}

/// One of the [`StaticUsers`]: its role, and what it may log in with.
#[derive(Clone)]
pub struct StaticUser {
    identity: Identity,
    /// The hash of the ticket, which takes the same time to compare for all.
    ticket: Option<[u8; 32]>,
    cra: Option<CraKey>,
    public_keys: Vec<[u8; 32]>,
    scram: Option<ScramKeys>,
}

impl StaticUsers {
    /// Begins without users: nobody gets in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user, in place of one of the same authid.
    #[must_use]
    pub fn user(mut self, user: StaticUser) -> Self {
        self.users.insert(user.identity.authid.clone(), user);
        self
    }

    /// Lets in whoever proves nothing, as `anonymous` with this role.
    #[must_use]
    pub fn guests(mut self, authrole: impl Into<String>) -> Self {
        self.anonymous = Some(Identity::new("anonymous", authrole, PROVIDER));
        self
    }

    /// Says whether there is a user of this name.
    #[cfg(feature = "cli")]
    pub(crate) fn has(&self, authid: &str) -> bool {
        self.users.contains_key(authid)
    }

    /// Picks one of the users who log in in some way, always the same for the same choice.
    fn pick(&self, choice: u64, logs_in: impl Fn(&StaticUser) -> bool) -> Option<&StaticUser> {
        let users: Vec<&StaticUser> = self.users.values().filter(|user| logs_in(user)).collect();
        let index = choice.checked_rem(users.len() as u64)?;
        users.get(usize::try_from(index).ok()?).copied()
    }
}

impl StaticUser {
    /// Makes a user who cannot log in yet.
    #[must_use]
    pub fn new(authid: impl Into<String>, authrole: impl Into<String>) -> Self {
        let identity = Identity::new(authid, authrole, PROVIDER);
        Self { identity, ticket: None, cra: None, public_keys: Vec::new(), scram: None }
    }

    /// Tells the user's sessions something more in WELCOME.
    #[must_use]
    pub fn authextra(mut self, authextra: Dict) -> Self {
        self.identity.authextra = authextra;
        self
    }

    /// Lets the user log in with a ticket, which is kept as a hash: it should be long and random.
    #[must_use]
    pub fn ticket(mut self, ticket: &str) -> Self {
        self.ticket = Some(Sha256::digest(ticket).into());
        self
    }

    /// Lets the user log in with WAMP-CRA and a secret.
    #[must_use]
    pub fn cra_secret(mut self, secret: impl Into<Vec<u8>>) -> Self {
        self.cra = Some(CraKey::plain(secret));
        self
    }

    /// Lets the user log in with WAMP-CRA and a salted password; see [`CraSecret::salted`].
    ///
    /// # Errors
    /// When `iterations` or `keylen` is beyond what clients take.
    pub fn cra_password(
        mut self,
        password: &str,
        salt: impl Into<String>,
        iterations: u32,
        keylen: usize,
    ) -> Result<Self, SecretError> {
        self.cra = Some(CraKey::salted(password, salt, iterations, keylen)?);
        Ok(self)
    }

    /// Lets the user log in with WAMP-CRA and a password of which the derived key is known; see
    /// [`CraSecret::derived`].
    #[must_use]
    pub fn cra_key(
        mut self,
        key: impl Into<Vec<u8>>,
        salt: impl Into<String>,
        iterations: u32,
        keylen: usize,
    ) -> Self {
        self.cra = Some(CraKey::derived(key, salt, iterations, keylen));
        self
    }

    /// Lets the user log in with cryptosign and this key, or one of those given before.
    #[must_use]
    pub fn public_key(mut self, key: [u8; 32]) -> Self {
        self.public_keys.push(key);
        self
    }

    /// Lets the user log in with SCRAM and a password; see [`ScramKeys::from_password`], which
    /// takes a while.
    #[must_use]
    pub fn scram_password(self, password: &str) -> Self {
        self.scram_keys(ScramKeys::from_password(password))
    }

    /// Lets the user log in with SCRAM and a password whose keys are known.
    #[must_use]
    pub fn scram_keys(mut self, keys: ScramKeys) -> Self {
        self.scram = Some(keys);
        self
    }
}

impl fmt::Debug for StaticUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticUser").field("identity", &self.identity).finish_non_exhaustive()
    }
}

#[async_trait]
impl Authenticator for StaticUsers {
    fn methods(&self, _realm: &str) -> Vec<AuthMethod> {
        let any = |logs_in: fn(&StaticUser) -> bool| self.users.values().any(logs_in);
        [
            (any(|user| !user.public_keys.is_empty()), AuthMethod::Cryptosign),
            (any(|user| user.scram.is_some()), AuthMethod::Scram),
            (any(|user| user.cra.is_some()), AuthMethod::Wampcra),
            (any(|user| user.ticket.is_some()), AuthMethod::Ticket),
            (self.anonymous.is_some(), AuthMethod::Anonymous),
        ]
        .into_iter()
        .filter_map(|(is_offered, method)| is_offered.then_some(method))
        .collect()
    }

    async fn anonymous(&self, _realm: &str) -> Result<Identity, AuthRefused> {
        let refused = || AuthRefused::new("anonymous sessions are not allowed here");
        self.anonymous.clone().ok_or_else(refused)
    }

    async fn ticket(
        &self,
        authid: &str,
        ticket: &str,
        _realm: &str,
    ) -> Result<Identity, AuthRefused> {
        let given: [u8; 32] = Sha256::digest(ticket).into();
        let user = self.users.get(authid);
        let expected = user.and_then(|user| user.ticket);
        let is_known = Choice::from(u8::from(expected.is_some()));
        let is_right = given.ct_eq(&expected.unwrap_or_default()) & is_known;
        let user = user.filter(|_| is_right.into());
        user.map(|user| user.identity.clone())
            .ok_or_else(|| AuthRefused::new("unknown user or wrong ticket"))
    }

    async fn cra_secret(
        &self,
        authid: &str,
        _realm: &str,
    ) -> Result<Option<CraSecret>, AuthRefused> {
        Ok(self.users.get(authid).and_then(|user| {
            Some(CraSecret { key: user.cra.clone()?, identity: user.identity.clone() })
        }))
    }

    async fn public_key(
        &self,
        authid: Option<&str>,
        key: &[u8; 32],
        _realm: &str,
    ) -> Result<Option<Identity>, AuthRefused> {
        let has_key = |user: &&StaticUser| user.public_keys.contains(key);
        let user = match authid {
            Some(authid) => self.users.get(authid).filter(has_key),
            None => {
                // A key that several have tells nobody apart.
                let mut users = self.users.values().filter(has_key);
                users.next().filter(|_| users.next().is_none())
            }
        };
        Ok(user.map(|user| user.identity.clone()))
    }

    async fn scram_secret(
        &self,
        authid: &str,
        _realm: &str,
    ) -> Result<Option<ScramSecret>, AuthRefused> {
        Ok(self.users.get(authid).and_then(|user| {
            Some(ScramSecret::from_keys(user.scram.clone()?, user.identity.clone()))
        }))
    }

    fn decoy(&self, _realm: &str, choice: u64) -> Decoy {
        let mut decoy = Decoy::default();
        if let Some(user) = self.pick(choice, |user| user.cra.is_some()) {
            decoy.authrole.clone_from(&user.identity.authrole);
            decoy.cra = user.cra.as_ref().and_then(CraKey::cost);
        }
        if let Some(keys) =
            self.pick(choice, |user| user.scram.is_some()).and_then(|user| user.scram.as_ref())
        {
            decoy.scram = keys.kdf;
        }
        decoy
    }
}

#[cfg(test)]
mod tests;

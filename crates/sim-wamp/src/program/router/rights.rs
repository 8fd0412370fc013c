//! Who may come in and what they may do, realm by realm.

use std::collections::HashMap;

use async_trait::async_trait;

use crate::{
    Action, AuthMethod, AuthRefused, Authenticator, Authorizer, CraSecret, Decoy, Identity,
    MatchPolicy, Permission, Rules, ScramSecret, SessionInfo, StaticUsers,
};

/// The users of each realm.
#[derive(Debug, Default)]
pub(super) struct Users {
    by_realm: HashMap<String, StaticUsers>,
    /// Those of a realm that there is not.
    nobody: StaticUsers,
}

/// The rules of each realm.
#[derive(Debug, Default)]
pub(super) struct Rights {
    by_realm: HashMap<String, Rules>,
}

impl Users {
    pub(super) fn insert(&mut self, realm: String, users: StaticUsers) {
        self.by_realm.insert(realm, users);
    }

    fn of(&self, realm: &str) -> &StaticUsers {
        self.by_realm.get(realm).unwrap_or(&self.nobody)
    }
}

impl Rights {
    pub(super) fn insert(&mut self, realm: String, rules: Rules) {
        self.by_realm.insert(realm, rules);
    }
}

#[async_trait]
impl Authenticator for Users {
    fn methods(&self, realm: &str) -> Vec<AuthMethod> {
        self.of(realm).methods(realm)
    }

    async fn anonymous(&self, realm: &str) -> Result<Identity, AuthRefused> {
        self.of(realm).anonymous(realm).await
    }

    async fn ticket(
        &self,
        authid: &str,
        ticket: &str,
        realm: &str,
    ) -> Result<Identity, AuthRefused> {
        self.of(realm).ticket(authid, ticket, realm).await
    }

    async fn cra_secret(
        &self,
        authid: &str,
        realm: &str,
    ) -> Result<Option<CraSecret>, AuthRefused> {
        self.of(realm).cra_secret(authid, realm).await
    }

    async fn public_key(
        &self,
        authid: Option<&str>,
        key: &[u8; 32],
        realm: &str,
    ) -> Result<Option<Identity>, AuthRefused> {
        self.of(realm).public_key(authid, key, realm).await
    }

    async fn scram_secret(
        &self,
        authid: &str,
        realm: &str,
    ) -> Result<Option<ScramSecret>, AuthRefused> {
        self.of(realm).scram_secret(authid, realm).await
    }

    fn decoy(&self, realm: &str, choice: u64) -> Decoy {
        self.of(realm).decoy(realm, choice)
    }
}

#[async_trait]
impl Authorizer for Rights {
    async fn authorize(
        &self,
        session: &SessionInfo,
        action: Action,
        uri: &str,
        policy: MatchPolicy,
    ) -> Permission {
        match self.by_realm.get(&*session.realm) {
            Some(rules) => rules.decide(&session.authrole, action, uri, policy),
            None => Permission::deny(),
        }
    }
}

//! Who may come in and what they may do, realm by realm.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::config::Asked;
use super::questions::Questions;
use crate::{
    Action, AuthMethod, AuthRefused, Authenticator, Authorizer, CraSecret, Decoy, Identity,
    MatchPolicy, Permission, Rules, ScramSecret, SessionInfo, StaticUsers,
};

/// The users of each realm.
#[derive(Debug, Default)]
pub(super) struct Users {
    by_realm: HashMap<String, RealmUsers>,
    /// Those of a realm that there is not.
    nobody: RealmUsers,
}

/// The users of a realm: those of the configuration, and those of whom a procedure knows.
#[derive(Debug, Default)]
struct RealmUsers {
    fixed: StaticUsers,
    others: Option<(Asked, Arc<Questions>)>,
}

/// What may be done in each realm.
#[derive(Debug, Default)]
pub(super) struct Rights {
    by_realm: HashMap<String, RealmRights>,
}

/// What may be done in a realm: rules, and for some roles procedures that are asked.
#[derive(Debug)]
struct RealmRights {
    rules: Rules,
    authorizers: HashMap<String, String>,
    questions: Arc<Questions>,
}

impl Users {
    pub(super) fn insert(
        &mut self,
        realm: String,
        fixed: StaticUsers,
        others: Option<(Asked, Arc<Questions>)>,
    ) {
        self.by_realm.insert(realm, RealmUsers { fixed, others });
    }

    fn of(&self, realm: &str) -> &RealmUsers {
        self.by_realm.get(realm).unwrap_or(&self.nobody)
    }
}

impl RealmUsers {
    /// The procedure that knows whether a login is right; none for those of the configuration.
    fn asked(&self, method: AuthMethod, authid: &str) -> Option<(&str, &Questions)> {
        let (asked, questions) = self.others.as_ref()?;
        let is_theirs = asked.methods.contains(&method) && !self.fixed.has(authid);
        is_theirs.then_some((&asked.procedure, questions))
    }
}

impl Rights {
    pub(super) fn insert(
        &mut self,
        realm: String,
        rules: Rules,
        authorizers: HashMap<String, String>,
        questions: Arc<Questions>,
    ) {
        self.by_realm.insert(realm, RealmRights { rules, authorizers, questions });
    }
}

#[async_trait]
impl Authenticator for Users {
    fn methods(&self, realm: &str) -> Vec<AuthMethod> {
        let RealmUsers { fixed, others } = self.of(realm);
        let mut methods = fixed.methods(realm);
        for method in others.iter().flat_map(|(asked, _)| &asked.methods) {
            if !methods.contains(method) {
                methods.push(*method);
            }
        }
        methods
    }

    async fn anonymous(&self, realm: &str) -> Result<Identity, AuthRefused> {
        self.of(realm).fixed.anonymous(realm).await
    }

    async fn ticket(
        &self,
        authid: &str,
        ticket: &str,
        realm: &str,
    ) -> Result<Identity, AuthRefused> {
        let users = self.of(realm);
        match users.asked(AuthMethod::Ticket, authid) {
            Some((procedure, questions)) => {
                questions.ticket(procedure, authid, ticket, realm).await
            }
            None => users.fixed.ticket(authid, ticket, realm).await,
        }
    }

    async fn cra_secret(
        &self,
        authid: &str,
        realm: &str,
    ) -> Result<Option<CraSecret>, AuthRefused> {
        let users = self.of(realm);
        match users.asked(AuthMethod::Wampcra, authid) {
            Some((procedure, questions)) => questions.cra_secret(procedure, authid, realm).await,
            None => users.fixed.cra_secret(authid, realm).await,
        }
    }

    async fn public_key(
        &self,
        authid: Option<&str>,
        key: &[u8; 32],
        realm: &str,
    ) -> Result<Option<Identity>, AuthRefused> {
        self.of(realm).fixed.public_key(authid, key, realm).await
    }

    async fn scram_secret(
        &self,
        authid: &str,
        realm: &str,
    ) -> Result<Option<ScramSecret>, AuthRefused> {
        self.of(realm).fixed.scram_secret(authid, realm).await
    }

    fn decoy(&self, realm: &str, choice: u64) -> Decoy {
        self.of(realm).fixed.decoy(realm, choice)
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
        let Some(rights) = self.by_realm.get(&*session.realm) else { return Permission::deny() };
        match rights.authorizers.get(&*session.authrole) {
            Some(procedure) => {
                rights.questions.may(procedure, session, (action, uri, policy)).await
            }
            None => rights.rules.decide(&session.authrole, action, uri, policy),
        }
    }
}

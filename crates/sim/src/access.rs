//! The router's two questions: who is this, answered from users, and may they, from scopes.

use std::sync::Arc;

use async_trait::async_trait;
use sim_engine::{Engine, Matching};
use sim_games_types::{User, UserPk};
use sim_wamp::{
    Action, AuthMethod, AuthRefused, Authenticator, Authorizer, CraSecret, Decoy, Identity,
    MatchPolicy, Permission, SessionInfo,
};

use crate::accounts::{Accounts, LoginError};
use crate::messages::{ANONYMOUS, BROWSER, OPERATOR, peer};
use crate::tickets::Tickets;

/// The secret that the original hands to every browser.
pub(crate) const LEGACY_SECRET: &str = "nopassword";
/// Who the original says has vouched for a browser.
const LEGACY_PROVIDER: &str = "dynamic";

/// The engines that are running; they start after the router that asks about them.
pub(crate) type Engines = Arc<std::sync::OnceLock<Vec<(String, Engine)>>>;

/// Logs users in by password; with `legacy_auth`, also the browsers of the original.
pub(crate) struct Users {
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) engines: Engines,
    pub(crate) legacy_auth: bool,
}

#[async_trait]
impl Authenticator for Users {
    fn methods(&self, _realm: &str) -> Vec<AuthMethod> {
        let legacy = self.legacy_auth.then_some(AuthMethod::Wampcra);
        legacy.into_iter().chain([AuthMethod::Ticket, AuthMethod::Anonymous]).collect()
    }

    async fn anonymous(&self, _realm: &str) -> Result<Identity, AuthRefused> {
        Ok(identity(ANONYMOUS.to_owned(), ANONYMOUS, "static"))
    }

    async fn ticket(
        &self,
        authid: &str,
        ticket: &str,
        _realm: &str,
    ) -> Result<Identity, AuthRefused> {
        let checked = match self.user_of_token(authid, ticket).await {
            Some(user) => Ok(user),
            None => self.accounts.of_password(authid, ticket).await,
        };
        match checked {
            Ok(user) => {
                let role = if user.is_staff { OPERATOR } else { BROWSER };
                Ok(identity(user.id.to_string(), role, "games-api"))
            }
            Err(LoginError::Refused(reason)) => Err(AuthRefused::new(reason)),
            Err(LoginError::Unavailable(error)) => {
                tracing::warn!("a login could not be checked: {error}");
                Err(AuthRefused::unknown("the login cannot be checked at the moment, try again"))
            }
        }
    }

    async fn cra_secret(
        &self,
        authid: &str,
        _realm: &str,
    ) -> Result<Option<CraSecret>, AuthRefused> {
        let user = self.legacy_user(authid).await;
        let identity = || identity(authid.to_owned(), BROWSER, LEGACY_PROVIDER);
        Ok(user.map(|_| CraSecret::new(LEGACY_SECRET, identity())))
    }

    fn decoy(&self, _realm: &str, _choice: u64) -> Decoy {
        Decoy {
            authrole: BROWSER.to_owned(),
            authprovider: LEGACY_PROVIDER.to_owned(),
            ..Decoy::default()
        }
    }
}

impl Users {
    /// The user who shows a page's ticket or a token that was given for a login, and names no
    /// other.
    async fn user_of_token(&self, authid: &str, ticket: &str) -> Option<User> {
        let user = match self.tickets.user(ticket) {
            Some(pk) => self.accounts.user(pk).await.filter(|user| user.is_active)?,
            None => self.accounts.of_token(ticket).await?,
        };
        let is_named = user.id.to_string() == authid || user.email.eq_ignore_ascii_case(authid);
        is_named.then_some(user)
    }

    /// The active user whom a browser of the original names, if it plays in a loaded run.
    pub(crate) async fn legacy_user(&self, authid: &str) -> Option<User> {
        let pk = UserPk(authid.parse().ok().filter(|_| self.legacy_auth)?);
        let plays = self.engines.get()?.iter().any(|(_, engine)| engine.is_member(pk));
        let user = self.accounts.user(pk).await?;
        (plays && user.is_active && user.id.to_string() == authid).then_some(user)
    }
}

fn identity(authid: String, authrole: &str, authprovider: &str) -> Identity {
    Identity::new(authid, authrole, authprovider)
}

/// Lets browsers do what the scope tree allows them.
///
/// A call passes when it is addressed to a game at all: whether the caller may make it is decided
/// when it is handled, inside the world's turn. Registering is for nobody.
pub(crate) struct Scopes {
    pub(crate) engines: Engines,
}

#[async_trait]
impl Authorizer for Scopes {
    async fn authorize(
        &self,
        session: &SessionInfo,
        action: Action,
        uri: &str,
        policy: MatchPolicy,
    ) -> Permission {
        let Some(engines) = self.engines.get() else { return Permission::deny() };
        let Some((root, engine)) = engines.iter().find(|(root, _)| is_below(uri, root)) else {
            return Permission::deny();
        };
        let name = &uri[root.len()..];
        if &*session.authrole == ANONYMOUS {
            return Permission::from(action == Action::Call && name == ".ready");
        }
        let peer = peer(session.session, &session.authid, &session.authrole);
        Permission::from(match action {
            Action::Call => true,
            Action::Register => false,
            Action::Publish => engine.may_publish(peer, uri).await,
            Action::Subscribe => {
                let matching = match policy {
                    MatchPolicy::Exact => Matching::Exact,
                    MatchPolicy::Prefix => Matching::Prefix,
                    MatchPolicy::Wildcard => Matching::Wildcard,
                };
                let permission = Permission::from(engine.may_subscribe(peer, uri, matching).await);
                // As a prefix the topic of user 1 covers that of user 10, too.
                return match name.starts_with(".error.") {
                    true => permission.narrowed_to(uri, MatchPolicy::Exact),
                    false => permission,
                };
            }
        })
    }
}

/// Whether a URI lies below a game's root.
pub(crate) fn is_below(uri: &str, root: &str) -> bool {
    uri.strip_prefix(root).is_some_and(|rest| rest.starts_with('.'))
}

//! What a router of another process asks the service: who may come in, and what they may do there.
//!
//! Both questions are put as Crossbar.io puts them to a dynamic authenticator and a dynamic
//! authorizer, which `sim-router` does, too.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use sim_wamp::{
    Action, AuthRefused, Authenticator, Authorizer, CallError, Invocation, MatchPolicy, Payload,
    Permission, SessionInfo, uri,
};
use tokio::sync::oneshot;

use crate::access::{LEGACY_SECRET, Scopes, Users};
use crate::messages::BROWSER;

/// The procedure that says who a peer is.
pub(super) const AUTHENTICATE: &str = "world.simpl.authenticate";
/// The procedure that says what a session may do.
pub(super) const AUTHORIZE: &str = "world.simpl.authorize";

/// The service's own answers to the router's two questions.
pub(crate) struct Doors {
    pub(crate) users: Users,
    pub(crate) scopes: Scopes,
}

/// The questions of one session with a router.
pub(super) struct Questions {
    doors: Arc<Doors>,
    /// The last question about each session: the next one is answered after it, since a router may
    /// go on with the session's requests in the order of the answers.
    last: HashMap<u64, oneshot::Receiver<()>>,
}

/// What a router knows of a peer that wants to log in.
#[derive(Deserialize)]
struct Details {
    authmethod: String,
    ticket: Option<String>,
}

/// What a router tells of a session.
#[derive(Deserialize)]
struct Asking {
    session: u64,
    authid: String,
    authrole: String,
}

#[derive(Default, Deserialize)]
struct Options {
    #[serde(rename = "match", default)]
    policy: MatchPolicy,
}

impl Questions {
    pub(super) fn new(doors: Arc<Doors>) -> Self {
        Self { doors, last: HashMap::new() }
    }

    /// Answers who a peer is: its role and name, or an error that says why it may not come in.
    pub(super) fn who(&self, question: Invocation) {
        let doors = self.doors.clone();
        tokio::spawn(async move {
            let answer = match question.payload.args() {
                Ok((realm, authid, details)) => doors.who(realm, authid, details).await,
                Err(error) => Err(malformed(AUTHENTICATE, &error)),
            };
            question.respond(answer).await;
        });
    }

    /// Answers whether a session may do something.
    pub(super) fn may(&mut self, question: Invocation) {
        let asked: Result<(Asking, String, Action, Option<Options>), _> = question.payload.args();
        let (asking, uri, action, options) = match asked {
            Ok(asked) => asked,
            Err(error) => {
                let answer = Err(malformed(AUTHORIZE, &error));
                tokio::spawn(question.respond(answer));
                return;
            }
        };
        let (answered, next) = oneshot::channel();
        let before = self.last.insert(asking.session, next);
        let doors = self.doors.clone();
        tokio::spawn(async move {
            if let Some(before) = before {
                // It ends by being dropped.
                drop(before.await);
            }
            let policy = options.unwrap_or_default().policy;
            let allowed = doors.may(asking, &uri, action, policy).await.is_allowed();
            let answer = json!([{"allow": allowed, "disclose": true}]).to_string();
            question.respond(Ok(Payload::from_json(Some(answer), None))).await;
            drop(answered);
        });
    }

    /// Forgets a session that has left.
    pub(super) fn forget(&mut self, session: u64) {
        self.last.remove(&session);
    }
}

impl Doors {
    async fn who(
        &self,
        realm: String,
        authid: String,
        details: Details,
    ) -> Result<Payload, CallError> {
        let refused = |refused: AuthRefused| CallError::new(refused.reason, &refused.message);
        let answer = match (details.authmethod.as_str(), &details.ticket) {
            ("ticket", Some(ticket)) => {
                let identity = self.users.ticket(&authid, ticket, &realm).await.map_err(refused)?;
                json!({"role": identity.authrole, "authid": identity.authid})
            }
            ("wampcra", _) if self.users.legacy_auth => {
                let is_user = self.users.legacy_user(&authid).await.is_some();
                // Strangers do not learn who plays: nobody knows the secret of somebody else.
                let secret = match is_user {
                    true => LEGACY_SECRET.to_owned(),
                    false => hex::encode(rand::random::<[u8; 16]>()),
                };
                json!({"role": BROWSER, "authid": authid, "secret": secret})
            }
            (method, _) => {
                let text = format!("nobody logs in here by `{method}`");
                return Err(CallError::new(uri::NO_MATCHING_AUTH_METHOD, &text));
            }
        };
        Ok(Payload::from_json(Some(json!([answer]).to_string()), None))
    }

    async fn may(
        &self,
        asking: Asking,
        uri: &str,
        action: Action,
        policy: MatchPolicy,
    ) -> Permission {
        // Only the router asks these questions.
        if uri == AUTHENTICATE || uri == AUTHORIZE {
            return Permission::deny();
        }
        let Asking { session, authid, authrole } = asking;
        let info = SessionInfo {
            session,
            authid: authid.into(),
            authrole: authrole.into(),
            authmethod: "dynamic".into(),
            authprovider: "dynamic".into(),
            realm: "".into(),
        };
        self.scopes.authorize(&info, action, uri, policy).await
    }
}

fn malformed(procedure: &str, error: &dyn std::fmt::Display) -> CallError {
    let text = format!("`{procedure}` was called with something else than a router asks: {error}");
    CallError::new(uri::INVALID_ARGUMENT, &text)
}

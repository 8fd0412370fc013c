//! What a session is checked for before its commands reach the realm.

use std::sync::Arc;

use crate::message::Message;
use crate::{Action, Authorizer, CallError, MatchPolicy, Publication, SessionInfo, uri};

/// Checks the commands of one session, in the session's own task.
pub(crate) struct Gate {
    info: Arc<SessionInfo>,
    /// Nobody for a trusted session.
    authorizer: Option<Arc<dyn Authorizer>>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("info", &self.info)
            .field("trusted", &self.authorizer.is_none())
            .finish()
    }
}

impl Gate {
    pub(crate) fn new(info: Arc<SessionInfo>, authorizer: Option<Arc<dyn Authorizer>>) -> Self {
        Self { info, authorizer }
    }

    /// Lets a command pass, or returns the error that answers it.
    pub(crate) async fn admit(&self, message: &Message) -> Result<(), CallError> {
        match message {
            Message::Call { procedure, .. } => {
                self.check(Action::Call, procedure, MatchPolicy::Exact).await
            }
            Message::Publish { publication, .. } => self.admit_publication(publication).await,
            Message::Register { policy, procedure, .. } => {
                self.check(Action::Register, procedure, *policy).await
            }
            Message::Subscribe { policy, topic, .. } => {
                self.check(Action::Subscribe, topic, *policy).await
            }
            _ => Ok(()),
        }
    }

    /// Lets a publication pass, or returns the error that answers it.
    pub(crate) async fn admit_publication(
        &self,
        publication: &Publication,
    ) -> Result<(), CallError> {
        self.check(Action::Publish, &publication.topic, MatchPolicy::Exact).await
    }

    async fn check(&self, action: Action, uri: &str, policy: MatchPolicy) -> Result<(), CallError> {
        if !uri::validate(uri, policy) {
            let text = format!("`{uri}` is not a valid URI for an {} match", policy.name());
            return Err(CallError::new(uri::INVALID_URI, &text));
        }
        let Some(authorizer) = &self.authorizer else { return Ok(()) };
        if matches!(action, Action::Publish | Action::Register) && is_reserved(uri, policy) {
            let text = format!("`{uri}` belongs to the protocol: choose a URI outside `wamp.`");
            return Err(CallError::new(uri::INVALID_URI, &text));
        }
        if authorizer.authorize(&self.info, action, uri, policy).await {
            return Ok(());
        }
        let text = format!("session is not authorized to {} `{uri}`", action.verb());
        Err(CallError::new(uri::NOT_AUTHORIZED, &text))
    }
}

/// Says whether the pattern reaches into what belongs to the protocol.
fn is_reserved(uri: &str, policy: MatchPolicy) -> bool {
    uri.starts_with(uri::RESERVED)
        || match policy {
            MatchPolicy::Exact => false,
            MatchPolicy::Prefix => uri::RESERVED.starts_with(uri),
            MatchPolicy::Wildcard => uri.starts_with('.'),
        }
}

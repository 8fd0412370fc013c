//! What a session is checked for before its commands reach the realm.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::failures::Failures;
use super::permission::Granted;
use crate::access::{Epochs, Permission, PermissionCache};
use crate::message::{CallMessage, Message};
use crate::uri::UriRule;
use crate::{Action, Authorizer, CallError, MatchPolicy, Publication, SessionInfo, uri};

/// Checks the commands of one session, in the session's own task.
pub(crate) struct Gate {
    info: Arc<SessionInfo>,
    /// Nobody for a trusted session.
    authorizer: Option<Asked>,
    rule: UriRule,
    failures: Arc<Failures>,
}

/// Who is asked, and what was answered so far.
struct Asked {
    authorizer: Arc<dyn Authorizer>,
    /// How often the rights of the session's role have changed.
    epoch: Arc<AtomicU64>,
    cache: Mutex<PermissionCache>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("info", &self.info)
            .field("trusted", &self.authorizer.is_none())
            .finish_non_exhaustive()
    }
}

impl Gate {
    /// Makes the gate of a session that nobody asks what it may do.
    pub(crate) fn trusted(info: Arc<SessionInfo>, rule: UriRule, failures: Arc<Failures>) -> Self {
        Self { info, authorizer: None, rule, failures }
    }

    /// Makes the gate of a session with the rights of its role.
    pub(crate) fn asking(
        info: Arc<SessionInfo>,
        rule: UriRule,
        authorizer: Arc<dyn Authorizer>,
        epochs: &Epochs,
        failures: Arc<Failures>,
    ) -> Self {
        let epoch = epochs.of(&info.authrole);
        let asked = Asked { authorizer, epoch, cache: Mutex::default() };
        Self { info, authorizer: Some(asked), rule, failures }
    }

    /// Lets a command pass, or returns the error that answers it.
    pub(crate) async fn admit(&self, message: &Message) -> Result<Granted, CallError> {
        match message {
            Message::Call(call) => self.admit_call(call).await.inspect_err(|error| {
                let CallError { uri, payload } = error;
                self.failures.note(&self.info.caller(), &call.procedure, uri, payload);
            }),
            Message::Publish { publication, .. } => self.admit_publication(publication).await,
            Message::Register { options, procedure, .. } => {
                self.check(Action::Register, procedure, options.policy).await
            }
            Message::Subscribe { options, topic, .. } => {
                self.check(Action::Subscribe, topic, options.policy).await
            }
            _ => Ok(Granted::default()),
        }
    }

    /// Lets a publication pass, or returns the error that answers it.
    pub(crate) async fn admit_publication(
        &self,
        publication: &Publication,
    ) -> Result<Granted, CallError> {
        self.check(Action::Publish, &publication.topic, MatchPolicy::Exact).await
    }

    async fn admit_call(&self, call: &CallMessage) -> Result<Granted, CallError> {
        let granted = self.check(Action::Call, &call.procedure, MatchPolicy::Exact).await?;
        // A testament is published when its session is not there any more to be asked.
        if &*call.procedure == uri::ADD_TESTAMENT
            && let Ok((topic, ..)) = super::testaments::arguments(&call.payload)
        {
            self.check(Action::Publish, &topic, MatchPolicy::Exact).await?;
        }
        Ok(granted)
    }

    async fn check(
        &self,
        action: Action,
        uri: &str,
        policy: MatchPolicy,
    ) -> Result<Granted, CallError> {
        if !uri::validate_by(self.rule, uri, policy) {
            let text = format!("`{uri}` is not a valid URI for an {} match", policy.name());
            return Err(CallError::new(uri::INVALID_URI, &text));
        }
        let Some(asked) = &self.authorizer else { return Ok(Granted::default()) };
        if matches!(action, Action::Publish | Action::Register) && is_reserved(uri, policy) {
            let text = format!("`{uri}` belongs to the protocol: choose a URI outside `wamp.`");
            return Err(CallError::new(uri::INVALID_URI, &text));
        }
        let permission = asked.ask(&self.info, action, uri, policy).await;
        if permission.allowed {
            return Ok(Granted::from(&permission));
        }
        let text = format!("session is not authorized to {} `{uri}`", action.verb());
        Err(CallError::new(uri::NOT_AUTHORIZED, &text))
    }
}

impl Asked {
    async fn ask(
        &self,
        info: &SessionInfo,
        action: Action,
        uri: &str,
        policy: MatchPolicy,
    ) -> Permission {
        let epoch = self.epoch.load(Ordering::Acquire);
        if let Some(answer) = self.cache().get(epoch, action, uri, policy) {
            return answer.clone();
        }
        let answer = self.authorizer.authorize(info, action, uri, policy).await;
        if answer.cached {
            self.cache().put(epoch, action, uri, policy, &answer);
        }
        answer
    }

    /// Nothing panics while the lock is held, so that a poisoned one is as good as any.
    fn cache(&self) -> std::sync::MutexGuard<'_, PermissionCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
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

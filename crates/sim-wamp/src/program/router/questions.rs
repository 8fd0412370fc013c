//! Questions to the peers of a realm: who somebody is, and what they may do.
//!
//! They are put as Crossbar.io puts them to its dynamic authenticators and authorizers.

use std::sync::OnceLock;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    Action, AuthRefused, CallError, CallOptions, CraSecret, Dict, Error, Identity, MatchPolicy,
    Payload, Permission, Router, Session, SessionInfo, uri,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who vouches for those of whom a procedure knows.
const PROVIDER: &str = "dynamic";

/// What a peer hears whom nobody could be asked about.
const UNKNOWN: &str = "the login cannot be checked at the moment, try again";

/// The router's own session in a realm, in which it asks.
#[derive(Debug, Default)]
pub(super) struct Questions {
    session: OnceLock<Session>,
}

/// Who a peer is, as a procedure answers.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Principal {
    Role(String),
    Known { role: String, authid: Option<String>, secret: Option<String>, extra: Option<Dict> },
}

/// What a procedure says of a request.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Verdict {
    Short(bool),
    Long {
        allow: bool,
        #[serde(default)]
        disclose: bool,
    },
}

impl Questions {
    /// Joins the realm; until then nobody can be asked.
    pub(super) async fn join(&self, router: &Router, realm: &str) -> Result<(), Error> {
        let joined = router.attach(realm, "router", "trusted").await?;
        // Whoever comes second leaves at once.
        drop(self.session.set(joined.session));
        Ok(())
    }

    /// Asks whether a peer's ticket is right.
    pub(super) async fn ticket(
        &self,
        procedure: &str,
        authid: &str,
        ticket: &str,
        realm: &str,
    ) -> Result<Identity, AuthRefused> {
        let details = json!({"authmethod": "ticket", "ticket": ticket});
        let principal: Principal = self.login(procedure, authid, realm, details).await?;
        Ok(principal.into_identity(authid).0)
    }

    /// Asks for the secret with which a peer must sign.
    pub(super) async fn cra_secret(
        &self,
        procedure: &str,
        authid: &str,
        realm: &str,
    ) -> Result<Option<CraSecret>, AuthRefused> {
        let details = json!({"authmethod": "wampcra"});
        let found: Result<Principal, _> = self.login(procedure, authid, realm, details).await;
        let principal = match found {
            Ok(principal) => principal,
            // Whether there is such a user is not for strangers to know.
            Err(refused) if refused.reason == uri::AUTHENTICATION_FAILED => return Ok(None),
            Err(refused) => return Err(refused),
        };
        let (identity, secret) = principal.into_identity(authid);
        Ok(secret.map(|secret| CraSecret::new(secret, identity)))
    }

    async fn login<T: DeserializeOwned>(
        &self,
        procedure: &str,
        authid: &str,
        realm: &str,
        details: Value,
    ) -> Result<T, AuthRefused> {
        self.ask(procedure, &json!([realm, authid, details])).await.map_err(|error| {
            // These say that the procedure was not reached, or that it failed.
            let is_answer = ![
                uri::NO_SUCH_PROCEDURE,
                uri::CANCELED,
                uri::TIMEOUT,
                uri::RUNTIME_ERROR,
                uri::AUTHORIZATION_FAILED,
            ]
            .contains(&error.uri.as_str());
            if !is_answer {
                tracing::warn!("a login could not be checked by `{procedure}`: {error}");
                return AuthRefused::unknown(UNKNOWN);
            }
            let text: Result<(String,), _> = error.payload.args();
            let message = text.map_or_else(|_| "the login was refused".to_owned(), |(it,)| it);
            AuthRefused { reason: error.uri, message }
        })
    }

    /// Asks whether a session may do something; what cannot be asked is refused.
    pub(super) async fn may(
        &self,
        procedure: &str,
        session: &SessionInfo,
        (action, uri, policy): (Action, &str, MatchPolicy),
    ) -> Permission {
        let SessionInfo { session, authid, authrole, authmethod, authprovider, .. } = session;
        let who = json!({
            "session": session, "authid": authid, "authrole": authrole,
            "authmethod": authmethod, "authprovider": authprovider,
        });
        let question = json!([who, uri, action, {"match": policy.name()}]);
        match self.ask(procedure, &question).await {
            Ok(Verdict::Short(allow)) => Permission::from(allow),
            Ok(Verdict::Long { allow, disclose }) => match disclose {
                true => Permission::from(allow).disclosed(),
                false => Permission::from(allow),
            },
            Err(error) => {
                tracing::warn!("a request was refused, since `{procedure}` cannot tell: {error}");
                Permission::deny()
            }
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        procedure: &str,
        args: &Value,
    ) -> Result<T, CallError> {
        let ended = || CallError::new(uri::CANCELED, "the router is starting");
        let session = self.session.get().ok_or_else(ended)?;
        let strange = |error: &dyn std::fmt::Display| {
            CallError::new(uri::RUNTIME_ERROR, &format!("the answer cannot be used: {error}"))
        };
        let payload = Payload::from_args(args).map_err(|error| strange(&error))?;
        let options = CallOptions { timeout: Some(PATIENCE), ..CallOptions::default() };
        let answer = session.start_call(procedure, payload, options).await?.result().await?;
        let (value,) = answer.payload.args().map_err(|error| strange(&error))?;
        Ok(value)
    }
}

impl Principal {
    /// Who the peer is that gave this name, and the secret that it must know.
    fn into_identity(self, named: &str) -> (Identity, Option<String>) {
        let (role, authid, secret, extra) = match self {
            Self::Role(role) => (role, None, None, None),
            Self::Known { role, authid, secret, extra } => (role, authid, secret, extra),
        };
        let authid = authid.unwrap_or_else(|| named.to_owned());
        let mut identity = Identity::new(authid, role, PROVIDER);
        identity.authextra = extra.unwrap_or_default();
        (identity, secret)
    }
}

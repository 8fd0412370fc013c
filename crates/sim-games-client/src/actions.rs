//! What the API can do beyond storing: rewind, check a log-in, subscribe.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sim_games_types::{Hook, Lookup, Resource, Scenario, ScenarioPk, User, UserPk};

use crate::credentials::Credentials;
use crate::message::is_failed_login;
use crate::request::Request;
use crate::{Client, Endpoint, Error, Result};

/// How far a scenario is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RewindOptions {
    /// The order of the period that becomes the last; it must exist.
    pub last_period_order: i64,
    /// Whether that period loses its decisions.
    pub delete_last_period_decisions: bool,
    /// Whether that period loses its results.
    pub delete_last_period_results: bool,
}

impl RewindOptions {
    /// Back to the start of the period with this order: it loses its decisions and results.
    #[must_use]
    pub const fn to_start_of(last_period_order: i64) -> Self {
        Self {
            last_period_order,
            delete_last_period_decisions: true,
            delete_last_period_results: true,
        }
    }
}

impl Endpoint<Scenario> {
    /// Deletes the periods of a scenario after a given one, and what is in that one if asked.
    ///
    /// # Errors
    /// When there is no such scenario or no such period.
    pub async fn rewind(&self, pk: ScenarioPk, options: RewindOptions) -> Result<()> {
        let path = format!("{}/{pk}/rewind/", Resource::Scenario.collection());
        let request = Request::new(Method::POST, self.client.url(&path, &Lookup::new()));
        self.client.send(request.json(&options, Resource::Scenario)?).await.map(drop)
    }
}

impl Endpoint<Hook> {
    /// Subscribes to events, or finds the subscription if there is one to this event and address.
    ///
    /// # Errors
    /// When the API refuses the event or the address.
    pub async fn register(&self, event: &str, url: &str) -> Result<Hook> {
        let fields = json!({ "event": event, "url": url });
        let request = Request::new(Method::POST, self.collection_url(&Lookup::new()));
        let answer = self.client.send(request.json(&fields, Resource::Hook)?).await?;
        // The original answers a repeated subscription without its key.
        if answer.json::<Value>()?.get("id").is_some() {
            return answer.json();
        }
        let hooks = self.list().await?;
        hooks.into_iter().find(|hook| hook.event == event && hook.url == url).ok_or_else(|| {
            Error::NotFound {
                request: answer.request,
                message: format!("the subscription to `{event}` is not listed"),
            }
        })
    }
}

/// Whose log-in is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login<'a> {
    /// The user with this key.
    Pk(UserPk),
    /// The user with this e-mail address, without regard to case.
    Email(&'a str),
}

/// A user whose password was right.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AuthCheck {
    /// The user's key.
    pub authid: UserPk,
    /// The user's e-mail address.
    pub email: String,
}

impl Client {
    /// Checks a password; none is returned when it is wrong or the user unknown.
    ///
    /// The request carries no credentials of the client.
    ///
    /// # Errors
    /// When the API does not answer the question.
    pub async fn authcheck(&self, login: Login<'_>, password: &str) -> Result<Option<AuthCheck>> {
        let fields = match login {
            Login::Pk(pk) => json!({ "authid": pk, "password": password }),
            Login::Email(email) => json!({ "email": email, "password": password }),
        };
        let request = Request::new(Method::POST, self.url("authcheck/", &Lookup::new()));
        let request = request.anonymous().json(&fields, Resource::User)?;
        match self.send(request).await {
            Ok(answer) => answer.json().map(Some),
            Err(Error::Refused { status: 400, message, .. }) if is_failed_login(&message) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The user to whom a token was given at log-in; none when the token is not known.
    ///
    /// # Errors
    /// When the API does not answer the question.
    pub async fn user_of_token(&self, token: &str) -> Result<Option<User>> {
        let authorization = Credentials::Token(token.to_owned()).header()?;
        let mut url = self.0.base.clone();
        let root = url.path().strip_suffix("apis/").unwrap_or(url.path()).to_owned();
        url.set_path(&format!("{root}rest-auth/user/"));
        let request = Request::get(url).anonymous();
        let request = match authorization {
            Some(authorization) => request.authorized(authorization),
            None => request,
        };
        match self.send(request).await {
            Ok(answer) => answer.json().map(Some),
            Err(Error::NotAllowed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

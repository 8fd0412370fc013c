//! Who can log in: the accounts of the embedded Games API, or of a remote one.

use std::net::IpAddr;

use async_trait::async_trait;
use sim_games_server::{AuthError, GamesApi, StoreError};
use sim_games_types::{Fields, Operation, Resource, Target, UnitOfWork, User, UserPk};
use sim_ui::Newcomer;

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// The credentials are wrong, or there were too many wrong ones.
    #[error("{0}")]
    Refused(String),
    /// The accounts cannot be asked at the moment.
    #[error("{0}")]
    Unavailable(String),
}

/// The accounts that logins are checked against.
#[async_trait]
pub(crate) trait Accounts: Send + Sync {
    /// The user to whom a token was given at log-in.
    async fn of_token(&self, token: &str) -> Option<User>;

    /// The user with this key or e-mail address, if the password is theirs.
    async fn of_password(&self, login: &str, password: &str) -> Result<User, LoginError>;

    /// A user by key, without any proof.
    async fn user(&self, pk: UserPk) -> Option<User>;

    /// Checks a password as [`Self::of_password`] does, and gives a token for it.
    async fn log_in(
        &self,
        from: Option<IpAddr>,
        login: &str,
        password: &str,
    ) -> Result<String, LoginError>;

    /// Ends a token.
    async fn log_out(&self, token: &str);

    /// Makes an account; tells whether it did: there may be one with the address already.
    async fn sign_up(&self, newcomer: &Newcomer) -> Result<bool, LoginError>;

    /// The account with a newcomer's address, made without a password when there is none; and
    /// whether it was made.
    async fn invite(&self, newcomer: &Newcomer) -> Result<(UserPk, bool), LoginError>;

    /// Gives a user a password who has none, as far as that can be known; tells whether it did.
    async fn set_first_password(&self, user: UserPk, password: &str) -> Result<bool, LoginError>;
}

/// The fields of a newcomer's account, without a password while there is none.
pub(crate) fn account_of(newcomer: &Newcomer) -> Fields {
    let Newcomer { login, password, first_name, last_name } = newcomer;
    let fields = [
        ("email", login),
        ("password", password),
        ("first_name", first_name),
        ("last_name", last_name),
    ];
    let given = fields.into_iter().filter(|(name, text)| *name != "password" || !text.is_empty());
    given.map(|(name, text)| (name.to_owned(), text.as_str().into())).collect()
}

/// Whether an account was refused only because there is one with its address.
fn is_taken(message: &str) -> bool {
    message.contains("email address already exists")
}

#[async_trait]
impl Accounts for GamesApi {
    async fn of_token(&self, token: &str) -> Option<User> {
        self.authenticate_token(token).await.ok()
    }

    async fn of_password(&self, login: &str, password: &str) -> Result<User, LoginError> {
        Ok(self.authenticate(login, password).await?)
    }

    async fn user(&self, pk: UserPk) -> Option<User> {
        Self::user(self, pk).await.ok()?
    }

    async fn log_in(
        &self,
        from: Option<IpAddr>,
        login: &str,
        password: &str,
    ) -> Result<String, LoginError> {
        Ok(Self::log_in(self, from, login, password).await?)
    }

    async fn log_out(&self, token: &str) {
        if let Err(error) = Self::log_out(self, token).await {
            tracing::warn!("a token could not be ended: {error}");
        }
    }

    async fn sign_up(&self, newcomer: &Newcomer) -> Result<bool, LoginError> {
        let operation = Operation::Create {
            resource: Resource::User,
            fields: account_of(newcomer),
            reference: None,
        };
        match store(self, operation).await {
            Ok(_) => Ok(true),
            Err(LoginError::Refused(text)) if is_taken(&text) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn invite(&self, newcomer: &Newcomer) -> Result<(UserPk, bool), LoginError> {
        let unavailable = |error: StoreError| LoginError::Unavailable(error.to_string());
        let find = || self.user_of_address(&newcomer.login);
        if let Some(user) = find().await.map_err(unavailable)? {
            return Ok((user.id, false));
        }
        let is_new = self.sign_up(newcomer).await?;
        // Somebody may have made it, or deleted it, in the same moment.
        let user = find().await.map_err(unavailable)?;
        let gone = || LoginError::Unavailable("an account was deleted meanwhile".to_owned());
        Ok((user.ok_or_else(gone)?.id, is_new))
    }

    async fn set_first_password(&self, user: UserPk, password: &str) -> Result<bool, LoginError> {
        let known = self.has_password(user).await;
        if known.map_err(|error| LoginError::Unavailable(error.to_string()))? {
            return Ok(false);
        }
        let fields = Fields::from_iter([("password".to_owned(), password.into())]);
        let (resource, pk) = (Resource::User, Target::Pk(user.0));
        store(self, Operation::Change { resource, pk, fields }).await.map(|()| true)
    }
}

async fn store(api: &GamesApi, operation: Operation) -> Result<(), LoginError> {
    let unit = UnitOfWork { operations: vec![operation], ..UnitOfWork::default() };
    match api.commit(unit).await {
        Ok(_) => Ok(()),
        Err(StoreError::Invalid(errors)) => Err(LoginError::Refused(errors.sentence())),
        Err(error) => Err(LoginError::Unavailable(error.to_string())),
    }
}

impl From<AuthError> for LoginError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Refused | AuthError::Limited { .. } => Self::Refused(error.to_string()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

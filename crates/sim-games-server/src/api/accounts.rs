//! Who is let in: by a password, or by a token that was given for one.

use std::net::IpAddr;
use std::sync::Arc;

use sim_games_types::{Record, Resource, Stored, User, UserPk};
use tokio::time::Instant;

use super::GamesApi;
use crate::credentials::{Attempt, Digest, Renewal, Verified, is_current, new_token};
use crate::error::{AuthError, StoreError};
use crate::store::Account;

/// How often a login is tried when the account changes between the check and the token.
const ATTEMPTS: usize = 3;

impl GamesApi {
    /// Checks a password. `login` is an e-mail address, in any case, or a user's key.
    ///
    /// # Errors
    /// When the user is unknown or inactive or the password is wrong, when there were too many
    /// failures, or when the database cannot be read now.
    pub async fn authenticate(&self, login: &str, secret: &str) -> Result<User, AuthError> {
        self.authenticate_from(None, login, secret).await
    }

    /// The same for a client whose address may be known.
    pub(crate) async fn authenticate_from(
        &self,
        client: Option<IpAddr>,
        login: &str,
        secret: &str,
    ) -> Result<User, AuthError> {
        let (user, _) = self.checked(client, login, secret).await?;
        Ok(user)
    }

    /// Checks a token.
    ///
    /// # Errors
    /// When there is no such token or its user is inactive, or when the database cannot be read
    /// now.
    pub async fn authenticate_token(&self, token: &str) -> Result<User, AuthError> {
        let credentials = &self.inner.credentials;
        let digest = Digest::of(token).ok_or(AuthError::Refused)?;
        let remembered = credentials.user_of_token(&digest);
        let stored = match remembered {
            Some(stored) => stored,
            None => {
                let epoch = credentials.epoch();
                let found = self.inner.store.token_user(digest.clone()).await?;
                let stored = found.ok_or(AuthError::Refused)?;
                credentials.remember_token(digest, Arc::clone(&stored), epoch);
                stored
            }
        };
        user_of(&stored).cloned().ok_or(AuthError::Refused)
    }

    /// Checks a password and gives a token for it. A user has at most twenty: the oldest ends.
    ///
    /// # Errors
    /// As [`Self::authenticate`]; failures of one address count together, where it is known.
    pub async fn log_in(
        &self,
        client: Option<IpAddr>,
        login: &str,
        secret: &str,
    ) -> Result<String, AuthError> {
        for _ in 0..ATTEMPTS {
            let (user, hash) = self.checked(client, login, secret).await?;
            let (token, digest) = new_token();
            // The hash may have been renewed meanwhile, or the password changed: look again.
            let added = self.inner.store.add_token(user.id, hash, digest).await?;
            if let Some(displaced) = added {
                self.inner.credentials.forget_tokens(&displaced);
                return Ok(token);
            }
        }
        Err(AuthError::Refused)
    }

    /// Ends a token.
    ///
    /// # Errors
    /// When the database cannot be written now.
    pub async fn log_out(&self, token: &str) -> Result<(), StoreError> {
        let Some(digest) = Digest::of(token) else { return Ok(()) };
        self.inner.store.remove_token(digest.clone()).await?;
        self.inner.credentials.forget_tokens([&digest]);
        Ok(())
    }

    /// A user by key.
    ///
    /// # Errors
    /// When the database cannot be read now.
    pub async fn user(&self, pk: UserPk) -> Result<Option<User>, StoreError> {
        let found = self.inner.store.get(Resource::User, pk.0).await?;
        Ok(found.as_deref().and_then(user_of).cloned())
    }

    /// Whether a user can log in by a password.
    ///
    /// # Errors
    /// When the database cannot be read now.
    pub async fn has_password(&self, user: UserPk) -> Result<bool, StoreError> {
        let account = self.inner.store.account(&user.to_string()).await?;
        Ok(account.is_some_and(|account| account.password.is_some()))
    }

    /// A user by e-mail address, in any case.
    ///
    /// # Errors
    /// When the database cannot be read now.
    pub async fn user_of_address(&self, email: &str) -> Result<Option<User>, StoreError> {
        // Without such a sign it would be a key, and with such a character no database is asked.
        if !email.contains('@') || email.contains('\0') {
            return Ok(None);
        }
        let account = self.inner.store.account(email).await?;
        Ok(account.as_ref().and_then(|account| user_of(&account.user)).cloned())
    }

    /// A user who may log in, and the hash of the password.
    async fn checked(
        &self,
        client: Option<IpAddr>,
        login: &str,
        secret: &str,
    ) -> Result<(User, String), AuthError> {
        let since = Instant::now();
        let credentials = &self.inner.credentials;
        let attempt = Attempt { login, secret, client, epoch: credentials.epoch() };
        let outcome = self.check(attempt).await;
        if matches!(outcome, Err(AuthError::Refused)) {
            credentials.even_out(since).await;
        }
        outcome
    }

    async fn check(&self, attempt: Attempt<'_>) -> Result<(User, String), AuthError> {
        // No address has such a character, and not every database can be asked for it.
        let account = match attempt.login.contains('\0') {
            true => None,
            false => self.inner.store.account(attempt.login).await?,
        };
        let known = account.as_ref().and_then(known);
        let verified =
            self.inner.credentials.verify(attempt, known.map(|(user, hash)| (user.id, hash)));
        let verified = verified.await?;
        let Some((user, Some(hash))) = known.filter(|(user, _)| user.is_active) else {
            return Err(AuthError::Refused);
        };
        if verified == Verified::ByHash && !is_current(hash) {
            let (old, password) = (hash.to_owned(), attempt.secret.to_owned());
            self.inner.renewals.ask(Renewal { user: user.id, old, password });
        }
        Ok((user.clone(), hash.to_owned()))
    }
}

fn known(account: &Account) -> Option<(&User, Option<&str>)> {
    user_of(&account.user).map(|user| (user, account.password.as_deref()))
}

fn user_of(stored: &Stored) -> Option<&User> {
    match &stored.record {
        Record::User(user) => Some(user),
        _ => None,
    }
}

//! Hashes that were made at another cost, or by another program, are replaced after a login: only
//! then is the password known.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sim_games_types::UserPk;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Credentials;
use crate::error::StoreError;
use crate::sql::Store;

/// Renewals that may wait. Whoever comes when it is full keeps the old hash until a later login.
const QUEUE: usize = 1024;

/// How long closing waits for renewals; what is left then is done after a later login.
const PATIENCE: Duration = Duration::from_secs(2);

/// A password that was right, and the hash that it had.
pub(crate) struct Renewal {
    pub(crate) user: UserPk,
    pub(crate) old: String,
    pub(crate) password: String,
}

/// The task that renews hashes one after the other, so that logins always find a free turn.
#[derive(Default)]
pub(crate) struct Renewals {
    running: Mutex<Option<(mpsc::Sender<Renewal>, JoinHandle<()>)>>,
}

impl fmt::Debug for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewals").finish_non_exhaustive()
    }
}

impl Renewals {
    /// Starts the task; it ends when this value is closed or dropped.
    pub(crate) fn start(store: &Arc<Store>, credentials: Arc<Credentials>) -> Self {
        let (inbox, renewals) = mpsc::channel(QUEUE);
        // An API that is dropped without having been closed must let its store go.
        let task = tokio::spawn(work(renewals, Arc::downgrade(store), credentials));
        Self { running: Mutex::new(Some((inbox, task))) }
    }

    /// Asks for a renewal. Nobody waits for it, and nothing is lost when there is no room.
    pub(crate) fn ask(&self, renewal: Renewal) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((inbox, _)) = &*running
            && inbox.try_send(renewal).is_err()
        {
            tracing::debug!("a password keeps its old hash until a later login");
        }
    }

    /// Lets the task finish, within bounds.
    pub(crate) async fn close(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((inbox, mut task)) = running else { return };
        drop(inbox);
        match tokio::time::timeout(PATIENCE, &mut task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(error = %error, "renewing hashes ended by a panic"),
            Err(_) => task.abort(),
        }
    }
}

async fn work(
    mut renewals: mpsc::Receiver<Renewal>,
    store: Weak<Store>,
    credentials: Arc<Credentials>,
) {
    while let Some(renewal) = renewals.recv().await {
        let Some(store) = store.upgrade() else { return };
        if let Err(error) = renew(&store, &credentials, renewal).await {
            tracing::warn!(error = %error, "a password keeps its old hash until a later login");
        }
    }
}

async fn renew(
    store: &Store,
    credentials: &Credentials,
    renewal: Renewal,
) -> Result<(), StoreError> {
    let Renewal { user, old, password } = renewal;
    // Several logins at once ask for the same; the work is done for the first.
    let account = store.account(&user.to_string()).await?;
    if account.and_then(|account| account.password).as_ref() != Some(&old) {
        return Ok(());
    }
    let new = credentials.hash(password).await?;
    if store.replace_hash(user, old, new).await? {
        tracing::debug!(user.pk = %user, "renewed the hash of a password");
    }
    Ok(())
}

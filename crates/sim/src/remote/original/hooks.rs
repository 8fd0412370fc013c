//! The webhook subscriptions.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sim_engine::StoreError;
use sim_games_client::{Client, Error};
use sim_games_types::HookPk;

use crate::remote::rest::port_error;

/// How long ending the subscriptions may take.
const ENDING: Duration = Duration::from_secs(2);

/// The subscriptions of one game.
#[derive(Debug)]
pub(super) struct Hooks {
    /// Where the API sends webhooks.
    url: Option<String>,
    registered: Mutex<Vec<HookPk>>,
}

impl Hooks {
    pub(super) fn new(url: Option<String>) -> Self {
        Self { url, registered: Mutex::default() }
    }

    /// Subscribes to the events of a game and of users. What is subscribed to already is left.
    pub(super) async fn register(&self, client: &Client, slug: &str) -> Result<(), StoreError> {
        let url = self.url.as_deref().ok_or_else(|| {
            StoreError::Refused(
                "this Games API has no journal to follow, so it must call back: give an address \
                 at which it reaches this service with --callback-url (CALLBACK_URL), for example \
                 `http://model.backend:8080/callback`"
                    .to_owned(),
            )
        })?;
        for event in [format!("{slug}.*"), "user.*".to_owned()] {
            self.register_one(client, &event, url).await?;
        }
        Ok(())
    }

    async fn register_one(
        &self,
        client: &Client,
        event: &str,
        url: &str,
    ) -> Result<(), StoreError> {
        let mut hook = match client.hooks().register(event, url).await {
            Ok(hook) => hook,
            Err(Error::Refused { status: 400, message, .. }) if message.contains("url:") => {
                return Err(StoreError::Refused(format!(
                    "callback url not valid: the Games API refuses `{url}` ({message}); give it \
                     an address with a dot in the host's name, or an IP address, with \
                     --callback-url (CALLBACK_URL)"
                )));
            }
            // Subscribed already, or told in fewer words than ours would.
            Err(
                Error::Refused { status: 400, .. }
                | Error::Conflict { .. }
                | Error::NotFound { .. }
                | Error::Decode { .. },
            ) => return Ok(()),
            Err(error) => return Err(port_error(&error)),
        };
        if hook.erroring {
            // The original never forgives a failed delivery, and delays all later ones.
            client.hooks().delete(hook.id).await.map_err(|error| port_error(&error))?;
            hook = client.hooks().register(event, url).await.map_err(|error| port_error(&error))?;
        }
        let mut registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        if !registered.contains(&hook.id) {
            registered.push(hook.id);
            tracing::info!("webhook registered for prefix `{event}`");
        }
        Ok(())
    }

    /// Ends the subscriptions; what does not work in time is left.
    pub(super) async fn end(&self, client: &Client) {
        let registered =
            std::mem::take(&mut *self.registered.lock().unwrap_or_else(PoisonError::into_inner));
        let end = async {
            for pk in registered {
                if let Err(error) = client.hooks().delete(pk).await {
                    tracing::debug!(hook.pk = pk.0, "a subscription could not be ended: {error}");
                }
            }
        };
        if tokio::time::timeout(ENDING, end).await.is_err() {
            tracing::warn!("the webhook subscriptions could not be ended in time");
        }
    }
}

//! Takes turns by a lock that ends with its connection.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_postgres::Error;

use super::address::Address;

/// How long to wait before a server that hung up is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Lets the server notice within a minute that the holder's machine is gone.
const KEEPALIVES: &str = "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; \
                          SET tcp_keepalives_count = 3";

/// Asks for the turn, holds it for as long as the connection lasts, and asks again.
pub(super) async fn run(address: Address, key: i64, is_ours: watch::Sender<bool>) {
    loop {
        if let Err(error) = hold(&address, key, &is_ours).await {
            tracing::debug!(error = %error, "no turn to deliver webhooks, asking again");
        }
        is_ours.send_replace(false);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hold(address: &Address, key: i64, is_ours: &watch::Sender<bool>) -> Result<(), Error> {
    let (client, mut driver) = address.connect().await?;
    // Ends the connection with this function, and with it the turn.
    let mut connection = JoinSet::new();
    connection.spawn(async move {
        while let Some(message) = driver.next().await {
            message?;
        }
        Ok(())
    });
    client.batch_execute(KEEPALIVES).await?;
    // Answers when whoever has the turn now gives it up.
    client.batch_execute(&format!("SELECT pg_advisory_lock({key})")).await?;
    is_ours.send_replace(true);
    match connection.join_next().await {
        Some(Ok(ended)) => ended,
        Some(Err(_)) | None => Ok(()),
    }
}

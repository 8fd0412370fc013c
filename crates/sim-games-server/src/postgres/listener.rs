//! Hears that another process has written, by the server's notifications.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_postgres::{AsyncMessage, Error};

use super::address::{Address, Driver};
use crate::sql::News;

/// How long to wait before a server that hung up is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens until nobody wants to know any more.
pub(super) async fn run(address: Address, channel: String, news: News) {
    loop {
        match listen(&address, &channel, &news).await {
            Ok(()) => return,
            Err(error) => {
                tracing::debug!(error = %error, "not listening for what others write, trying again");
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(address: &Address, channel: &str, news: &News) -> Result<(), Error> {
    let (sender, mut heard) = watch::channel(0);
    // Ends the task with this function.
    let mut pump = JoinSet::new();
    let (client, driver) = address.connect().await?;
    pump.spawn(hear(driver, sender));
    client.batch_execute(&format!("LISTEN {channel}")).await?;
    // What was written before is not told again.
    if !news.reached(None).await {
        return Ok(());
    }
    while heard.changed().await.is_ok() {
        let seq = *heard.borrow_and_update();
        if !news.reached(Some(seq)).await {
            return Ok(());
        }
    }
    // The pump has ended, so there is an error to tell, and the client knows it.
    client.batch_execute("").await
}

/// Drives the connection and passes on the newest number that was notified.
async fn hear(mut driver: Driver, heard: watch::Sender<u64>) {
    while let Some(Ok(message)) = driver.next().await {
        if let AsyncMessage::Notification(notification) = message
            && let Ok(seq) = notification.payload().parse()
        {
            heard.send_replace(seq);
        }
    }
}

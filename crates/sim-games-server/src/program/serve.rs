//! Serving until the program is told to stop.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::cli::Serve;
use super::print;
use crate::{GamesApi, Options};

/// How long an orderly stop may take.
const STOPPING: Duration = Duration::from_secs(10);

/// A password that everybody knows.
const KNOWN: (&str, &str) = ("simpl@simpl.world", "simpl");

pub(super) async fn run(options: Options, args: &Serve) -> Result<()> {
    let started = Instant::now();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // The socket comes first: a second service on the same port must not touch the database.
    let listener = TcpListener::bind(args.bind).await.with_context(|| {
        format!("cannot listen on `{}`, choose another address with `--bind`", args.bind)
    })?;
    let address = listener.local_addr()?;
    let api = GamesApi::open(options).await?;
    api.start_webhooks().await?;
    print(&format!("listening on http://{address}/apis/\n"))?;
    let stop = CancellationToken::new();
    let server = {
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!("a connection keeps its delay: {error}");
            }
        });
        // Failed logins are counted by address as well.
        let app = api.router(None).into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(listener, app);
        tokio::spawn(served.with_graceful_shutdown(stop.clone().cancelled_owned()).into_future())
    };
    print(&format!("ready after {:.3} s, stop with Ctrl-C\n", started.elapsed().as_secs_f64()))?;
    warn_of_known_password(&api, address).await;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    stop.cancel();
    let (mut server, waiter) = (server, api.clone());
    let ending = async {
        // Long polls and streams end with the store, and other requests are short.
        waiter.close().await;
        (&mut server).await
    };
    if tokio::time::timeout(STOPPING, ending).await.is_err() {
        tracing::warn!("some connections were cut off: they did not end in time");
        server.abort();
    }
    Ok(())
}

/// Warns when the password that everybody knows opens the service to other machines.
async fn warn_of_known_password(api: &GamesApi, address: SocketAddr) {
    let (email, password) = KNOWN;
    if !address.ip().is_loopback() && api.authenticate(email, password).await.is_ok() {
        tracing::warn!(
            "other machines can log in as {email} with the default password: change it, or bind \
             to 127.0.0.1"
        );
    }
}

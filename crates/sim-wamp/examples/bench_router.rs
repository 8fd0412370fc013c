//! The router that `cargo xtask bench` measures: nothing but the library and a procedure that echoes.
//!
//! It lets everybody in who is anonymous or is called `user-N` and has the ticket `ticket-N`, allows
//! them everything, prints `ready ws://…` and ends on SIGTERM.
#![allow(clippy::print_stdout, reason = "printing is what a program does")]

use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use axum::serve::ListenerExt;
use sim_wamp::{
    Action, AuthMethod, AuthRefused, Authenticator, Identity, Incoming, Limits, MatchPolicy,
    Router, Rule, Rules, SessionEvent,
};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REALM: &str = "realm1";

/// Knows everybody; the ticket is in the name.
struct Everybody;

#[async_trait]
impl Authenticator for Everybody {
    fn methods(&self, _realm: &str) -> Vec<AuthMethod> {
        vec![AuthMethod::Anonymous, AuthMethod::Ticket]
    }

    async fn anonymous(&self, _realm: &str) -> Result<Identity, AuthRefused> {
        Ok(identity("anonymous", "anonymous"))
    }

    async fn ticket(
        &self,
        authid: &str,
        ticket: &str,
        _realm: &str,
    ) -> Result<Identity, AuthRefused> {
        let number = authid.strip_prefix("user-");
        if number.is_none() || number != ticket.strip_prefix("ticket-") {
            return Err(AuthRefused::new("unknown user or wrong ticket"));
        }
        Ok(identity(authid, "user"))
    }
}

fn identity(authid: &str, authrole: &str) -> Identity {
    Identity::new(authid, authrole, "static")
}

fn rules() -> Rules {
    let all = [Action::Call, Action::Register, Action::Publish, Action::Subscribe];
    let everything = || Rule::new("", MatchPolicy::Prefix, &all);
    Rules::new().role("user", everything()).role("anonymous", everything())
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let router = Router::builder()
        .realm(REALM)
        .authenticator(Arc::new(Everybody))
        .authorizer(Arc::new(rules()))
        .limits(Limits {
            registrations: 1_000_000,
            messages_per_second: u32::MAX,
            ..Limits::default()
        })
        // As other routers do unless they are told otherwise.
        .disclose(false)
        .start();
    let (backend, calls) = router.attach(REALM, "backend", "service").await?.split();
    backend.register("bench.echo", MatchPolicy::Exact).await?;
    let echo = tokio::spawn(echo(calls));

    let listener = TcpListener::bind("127.0.0.1:0").await.context("listening")?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        stream.set_nodelay(true).expect("a fresh socket takes its options");
    });
    let app = axum::Router::new().route("/ws", router.websocket());
    println!("ready ws://{address}/ws");
    tokio::select! {
        served = axum::serve(listener, app).into_future() => served.context("serving")?,
        _ = terminate.recv() => {}
    }
    router.shutdown().await;
    echo.await.context("the echo panicked")
}

/// Answers every call with its arguments.
async fn echo(mut calls: Incoming) {
    while let Some(event) = calls.recv().await {
        if let SessionEvent::Invocation(call) = event {
            let payload = call.payload.clone();
            call.respond(Ok(payload)).await;
        }
    }
}

//! Serves the simulation; the first start makes a class to play in.

#![allow(clippy::print_stdout, reason = "it tells where the game is")]

use anyhow::Result;
use sim::Serving;

use new_sim::{environment, game};

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let service = sim::serve(Serving {
        game: game(),
        setup: environment(),
        bind: "127.0.0.1:8080".parse()?,
        games_bind: "127.0.0.1:8100".parse()?,
        data_dir: "data".into(),
    })
    .await?;
    println!("browsers connect to ws://{}/ws; stop with Ctrl-C", service.address());
    tokio::signal::ctrl_c().await?;
    service.stop().await;
    Ok(())
}

//! Serves Market, with a class to play in on the first start.

#![allow(clippy::print_stdout, reason = "it tells where the game is")]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use sim::Serving;

#[derive(Parser)]
struct Arguments {
    /// Where browsers connect
    #[arg(long, default_value = "127.0.0.1:8080")]
    bind: SocketAddr,
    /// Where the Games API listens
    #[arg(long, default_value = "127.0.0.1:8100")]
    games_bind: SocketAddr,
    /// The directory of the database
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { bind, games_bind, data_dir } = Arguments::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let (game, setup) = (market::game(), market::environment());
    let service = sim::serve(Serving { game, setup, bind, games_bind, data_dir }).await?;
    println!("browsers connect to ws://{}/ws; stop with Ctrl-C", service.address());
    tokio::signal::ctrl_c().await?;
    service.stop().await;
    Ok(())
}

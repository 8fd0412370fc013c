//! The program `wamp`: one session of any WAMP router, for the command line.

mod call;
mod cli;
mod exec;
mod login;
mod output;
mod payload;
mod ping;
mod publish;
mod register;
mod subscribe;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::runtime::Builder;

use super::end;
use super::stop::Stop;
use crate::transport::ClientTls;
use crate::{Client, ClientOptions, Incoming, Session};

pub(super) use cli::Cli;
use cli::{Command, Connect};
use output::Output;

/// What the commands work with.
struct Joined {
    session: Session,
    incoming: Incoming,
    stop: Stop,
    output: Output,
}

pub(super) fn main(cli: Cli) -> ExitCode {
    let result = run(cli).map_err(|error| {
        if error.is::<super::NoReader>() {
            return error;
        }
        // Routers and callees write what they like, and here it has one line.
        anyhow::anyhow!("{}", output::tame(&format!("{error:#}").replace(['\r', '\n'], " ")))
    });
    end(result)
}

fn run(cli: Cli) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start")?.block_on(within(cli))
}

/// Joins, does what the command says, and leaves.
async fn within(cli: Cli) -> Result<()> {
    let mut stop = Stop::listen().context("cannot wait for signals")?;
    let options = options(&cli.connect)?;
    let credentials = cli.login.credentials()?;
    let Connect { url, realm, .. } = &cli.connect;
    let joining = Client::connect_with(url, realm, &credentials, options);
    let (session, incoming, connection) = stop.unless_wanted(joining).await??.split();
    let output = Output::new(cli.json);
    let mut joined = Joined { session, incoming, stop, output };
    let done = match &cli.command {
        Command::Call(args) => call::run(&mut joined, args).await,
        Command::Publish(args) => publish::run(&mut joined, args).await,
        Command::Subscribe(args) => subscribe::run(&mut joined, args).await,
        Command::Register(args) => register::run(&mut joined, args).await,
        Command::Ping(args) => ping::run(&mut joined, args).await,
    };
    tokio::select! {
        () = connection.close() => {}
        () = joined.stop.wanted() => {}
    }
    done
}

fn options(connect: &Connect) -> Result<ClientOptions> {
    let mut options =
        ClientOptions { serializers: vec![connect.serializer], ..ClientOptions::default() };
    if let Some(file) = &connect.ca {
        let shown = file.display();
        let pem = fs::read_to_string(file).with_context(|| format!("cannot read `{shown}`"))?;
        options.tls = ClientTls::trusting(&pem).with_context(|| format!("`--ca {shown}`"))?;
    }
    Ok(options)
}

//! Checking a deployed service from outside.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use reqwest::{Client, StatusCode};
use url::Url;

use super::Outcome;
use super::cli::CheckDeploy;
use super::dialog::Dialog;
use crate::webhooks::install_tls_provider;

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A service and a login to it.
struct Probe {
    client: Client,
    base: Url,
    email: String,
    password: String,
}

pub(super) async fn run(args: &CheckDeploy, dialog: &mut Dialog) -> Result<Outcome> {
    let base = base(&args.url)?;
    let email = match &args.email {
        Some(email) => email.clone(),
        None => dialog.ask("E-mail address of a staff user")?,
    };
    let password =
        if args.password_stdin { dialog.line()? } else { dialog.ask_hidden("Password")? };
    let game = match &args.game {
        Some(game) => game.clone(),
        None => dialog.ask("Slug of a game that should be there")?,
    };
    install_tls_provider();
    let client = Client::builder().timeout(PATIENCE).build()?;
    let probe = Probe { client, base, email, password };
    let mut good = check("DNS", probe.resolves().await, dialog)?;
    good &= check("HTTP/HTTPS connectivity", probe.answers().await, dialog)?;
    good &= check("admin login", probe.status("apis/hooks/").await, dialog)?;
    good &= check("API endpoints", probe.endpoints().await, dialog)?;
    good &= check("game present", probe.status(&format!("apis/games/{game}/")).await, dialog)?;
    dialog.say(if good { "=== ALL OK YAY! ===" } else { "=== NOT OK ===" })?;
    Ok(if good { Outcome::Done } else { Outcome::Failed(1) })
}

/// The address below which everything lies; that of the interface itself leads to the same.
fn base(text: &str) -> Result<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let mut url =
        url.with_context(|| format!("`{text}` is no address such as `http://localhost:8100`"))?;
    let path = url.path().trim_end_matches('/');
    let path = format!("{}/", path.strip_suffix("/apis").unwrap_or(path));
    url.set_path(&path);
    Ok(url)
}

fn check(label: &str, outcome: Result<()>, dialog: &mut Dialog) -> Result<bool> {
    match outcome {
        Ok(()) => dialog.say(&format!("- {label}... OK"))?,
        Err(error) => {
            dialog.say(&format!("- {label}... FAILED"))?;
            tracing::warn!("{label}: {error:#}");
            return Ok(false);
        }
    }
    Ok(true)
}

impl Probe {
    async fn resolves(&self) -> Result<()> {
        let host = self.base.host_str().context("the address has no host")?;
        let port = self.base.port_or_known_default().unwrap_or(80);
        let mut found = tokio::net::lookup_host((host, port)).await?;
        found.next().map(|_| ()).ok_or_else(|| anyhow!("`{host}` has no address"))
    }

    async fn answers(&self) -> Result<()> {
        self.client.get(self.base.clone()).send().await.map_err(plain)?;
        Ok(())
    }

    /// Whether the login may read something.
    async fn status(&self, path: &str) -> Result<()> {
        let request = self.client.get(self.base.join(path)?);
        let answer = request.basic_auth(&self.email, Some(&self.password)).send().await;
        match answer.map_err(plain)?.status() {
            StatusCode::OK => Ok(()),
            other => Err(anyhow!("`{path}` answered {other}")),
        }
    }

    async fn endpoints(&self) -> Result<()> {
        for resource in sim_games_types::Resource::ALL {
            self.status(&format!("apis/{}/?page_size=1", resource.collection())).await?;
        }
        Ok(())
    }
}

/// An error without the address, in which a password may stand.
fn plain(error: reqwest::Error) -> anyhow::Error {
    error.without_url().into()
}

#[cfg(test)]
mod tests {
    use super::base;

    #[test]
    fn a_service_is_found_by_its_address_with_and_without_slash_and_interface() {
        for text in ["http://h:8100", "http://h:8100/", "http://h:8100/apis/", "http://h:8100/apis"]
        {
            assert_eq!(base(text).unwrap().as_str(), "http://h:8100/");
        }
        assert_eq!(base("https://h/games").unwrap().as_str(), "https://h/games/");
        for text in ["localhost:8100", "games.example.org", "ftp://h/"] {
            let error = base(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is no address such as")), "{error}");
        }
    }
}

//! The login that the command line or its environment gives.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::cli::Login;
use crate::Credentials;
use crate::program::secret_file;

impl Login {
    /// Returns what to log in with: one way, or nothing at all.
    pub(super) fn credentials(self) -> Result<Credentials> {
        let given = [
            ("--ticket", self.ticket.is_some()),
            ("--ticket-file", self.ticket_file.is_some()),
            ("--secret", self.secret.is_some()),
            ("--secret-file", self.secret_file.is_some()),
            ("--password", self.password.is_some()),
            ("--password-file", self.password_file.is_some()),
            ("--private-key-file", self.private_key_file.is_some()),
        ];
        let given: Vec<&str> = given.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        if given.len() > 1 {
            bail!(
                "more than one login is given, perhaps by its environment variable: {}",
                given.join(", ")
            );
        }
        if let Some(file) = &self.private_key_file {
            return Ok(Credentials::Cryptosign { authid: self.authid, key: private_key(file)? });
        }
        let ticket = secret(self.ticket, self.ticket_file.as_deref())?;
        let cra = secret(self.secret, self.secret_file.as_deref())?;
        let password = secret(self.password, self.password_file.as_deref())?;
        let Some(authid) = self.authid else {
            if let Some(login) = given.first() {
                bail!("`{login}` says not who logs in: give `--authid` as well");
            }
            return Ok(Credentials::Anonymous);
        };
        Ok(match (ticket, cra, password) {
            (Some(ticket), ..) => Credentials::Ticket { authid, ticket },
            (_, Some(secret), _) => Credentials::Cra { authid, secret },
            (.., Some(password)) => Credentials::Scram { authid, password },
            (None, None, None) => bail!(
                "nothing proves that this is `{authid}`: give `--ticket-file`, `--secret-file`, \
                 `--password-file` or `--private-key-file`, or set `WAMP_TICKET`, `WAMP_SECRET` or \
                 `WAMP_PASSWORD`"
            ),
        })
    }
}

/// Returns a secret that is given as such or by its file.
fn secret(secret: Option<String>, file: Option<&Path>) -> Result<Option<String>> {
    let Some(file) = file else { return Ok(secret) };
    let read = secret_file(file);
    read.map(Some).with_context(|| format!("cannot read the secret in `{}`", file.display()))
}

fn private_key(file: &Path) -> Result<[u8; 32]> {
    let shown = file.display();
    let text = secret_file(file).with_context(|| format!("cannot read the key in `{shown}`"))?;
    let mut key = [0; 32];
    // The error would name the wrong digit.
    if hex::decode_to_slice(text.trim(), &mut key).is_err() {
        bail!("`{shown}` holds no private key of Ed25519: it must be 64 hex digits");
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login { authid: Some("ann".to_owned()), ..Login::default() }
    }

    fn error(login: Login) -> String {
        login.credentials().unwrap_err().to_string()
    }

    #[test]
    fn there_is_one_login_or_none() {
        let nobody = Login::default().credentials().unwrap();
        assert!(matches!(nobody, Credentials::Anonymous));
        let secret = || Some("s".to_owned());
        let ticket = Login { ticket: secret(), ..login() }.credentials().unwrap();
        assert!(matches!(ticket, Credentials::Ticket { .. }));
        let cra = Login { secret: secret(), ..login() }.credentials().unwrap();
        assert!(matches!(cra, Credentials::Cra { .. }));
        let scram = Login { password: secret(), ..login() }.credentials().unwrap();
        assert!(matches!(scram, Credentials::Scram { .. }));
        let both = Login { ticket: secret(), secret: secret(), ..login() };
        assert!(error(both).ends_with("--ticket, --secret"));
    }

    #[test]
    fn half_a_login_is_refused() {
        assert!(error(login()).starts_with("nothing proves that this is `ann`: give"));
        let nameless = Login { ticket: Some("s".to_owned()), ..Login::default() };
        assert_eq!(error(nameless), "`--ticket` says not who logs in: give `--authid` as well");
    }
}

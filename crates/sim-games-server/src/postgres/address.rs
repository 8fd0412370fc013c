//! Where a database is, and how it is connected to.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use crate::error::StoreError;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a silent network may swallow what is sent.
const UNANSWERED: Duration = Duration::from_secs(15);

/// How an address is written.
const FORM: &str = "write it as `postgres://user:password@host:5432/name`";

/// An address such as `postgres://user:password@host:5432/database`.
#[derive(Clone)]
pub(crate) struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl fmt::Debug for Address {
    /// Shows no password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.name()).finish()
    }
}

/// The half of a connection that must be driven: the messages that nobody asked for, until its end.
pub(super) type Driver = Pin<Box<dyn Stream<Item = Result<AsyncMessage, Error>> + Send>>;

impl Address {
    /// Reads an address. With `sslmode=require` the connection is encrypted and the server must
    /// have a certificate that the usual authorities vouch for, or the one in `sslrootcert`.
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let unusable = |reason: String| StoreError::Unusable {
            // The address itself may hold a password.
            database: "the PostgreSQL database".to_owned(),
            reason,
        };
        let mut url = Url::parse(text)
            .map_err(|error| unusable(format!("its address is no URL ({error}): {FORM}")))?;
        let (own, others): (Vec<_>, Vec<_>) =
            url.query_pairs().into_owned().partition(|(name, _)| name == "sslrootcert");
        url.set_query(None);
        if !others.is_empty() {
            // Written with %20, since PostgreSQL's own reader of addresses takes + as it is.
            let query = others.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
            url.set_query(Some(&query.collect::<Vec<_>>().join("&")));
        }
        let mut config: Config = url
            .as_str()
            .parse()
            .map_err(|error| unusable(format!("its address cannot be read ({error}): {FORM}")))?;
        config.application_name("games-api").connect_timeout(CONNECT).tcp_user_timeout(UNANSWERED);
        let root = own.into_iter().next_back().map(|(_, path)| path);
        let tls = match config.get_ssl_mode() {
            SslMode::Require => Some(tls(root.as_deref()).map_err(unusable)?),
            // A server that merely could encrypt often has a certificate that nobody vouches for.
            _ => {
                config.ssl_mode(SslMode::Disable);
                None
            }
        };
        Ok(Self { config, tls })
    }

    /// How people call the database: never with its password.
    pub(crate) fn name(&self) -> String {
        let host = self.config.get_hosts().first().map_or_else(
            || "localhost".to_owned(),
            |host| match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(path) => path.display().to_string(),
            },
        );
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        let database = self.config.get_dbname().or_else(|| self.config.get_user());
        format!("postgres://{host}:{port}/{}", database.unwrap_or_default())
    }

    pub(super) async fn connect(&self) -> Result<(Client, Driver), Error> {
        match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                Ok((client, driver(connection)))
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                Ok((client, driver(connection)))
            }
        }
    }
}

fn driver<S>(mut connection: Connection<Socket, S>) -> Driver
where
    S: TlsStream + Unpin + Send + 'static,
{
    Box::pin(stream::poll_fn(move |ctx| connection.poll_message(ctx)))
}

fn encoded(value: &str) -> String {
    percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn tls(root: Option<&str>) -> Result<MakeRustlsConnect, String> {
    let mut roots = RootCertStore::empty();
    match root {
        Some(path) => {
            let unreadable = |error| format!("its `sslrootcert` `{path}` cannot be read: {error}");
            for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
                let added = roots.add(certificate.map_err(unreadable)?);
                added.map_err(|error| format!("`{path}` holds no root certificate: {error}"))?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("encryption cannot be set up: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_called_without_its_password() {
        let address = Address::parse("postgres://me:secret@db.example:6543/games").unwrap();
        assert_eq!(address.name(), "postgres://db.example:6543/games");
        assert!(!format!("{address:?}").contains("secret"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        for wrong in ["postgres://me:secret@host:port/x", "postgres://me:secret@h/x?bogus=1"] {
            let error = Address::parse(wrong).unwrap_err().to_string();
            assert!(error.contains("address") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_missing_root_certificate_is_named() {
        let url = "postgres://h/x?sslmode=require&sslrootcert=/nowhere/root.pem";
        let error = Address::parse(url).unwrap_err().to_string();
        assert!(error.contains("`/nowhere/root.pem` cannot be read"), "{error}");
    }
}

//! TLS: whom a client trusts, what a server shows, and what identifies a connection.

mod dates;
mod listener;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{
    ClientConfig, ConnectionCommon, ProtocolVersion, RootCertStore, ServerConfig, crypto,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub use dates::warning as warning_of_dates;
pub use listener::TlsListener;

pub(super) use dates::refused as refused_for_dates;

/// Whom a client trusts; by default, the authorities that browsers trust.
#[derive(Debug, Clone, Default)]
pub struct ClientTls {
    config: Option<Arc<ClientConfig>>,
}

/// Why certificates or keys are of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is not there, or holds no such PEM.
    #[error("cannot read {what} from `{}`: give a file in PEM format", path.display())]
    File {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: PemError,
    },
    /// Key and certificate do not fit each other, or are of no kind that is known.
    #[error(
        "a server cannot use the certificate `{}` with the private key `{}`",
        certificates.display(),
        key.display()
    )]
    Pair {
        /// The file of the certificate.
        certificates: PathBuf,
        /// The file of its key.
        key: PathBuf,
        /// What is wrong with them.
        #[source]
        source: rustls::Error,
    },
    /// The PEM of the authorities to trust is broken.
    #[error("cannot read the certificates to trust: give them in PEM format")]
    Roots(#[source] PemError),
    /// A certificate is none of an authority.
    #[error("a certificate to trust is not usable")]
    Root(#[source] rustls::Error),
}

impl ClientTls {
    /// Trusts the authorities whose certificates stand in this text of PEM, and no others.
    ///
    /// # Errors
    /// When the text holds no certificates, or one that is broken.
    pub fn trusting(pem: &str) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(TlsError::Roots)?;
            roots.add(certificate).map_err(TlsError::Root)?;
        }
        if roots.is_empty() {
            return Err(TlsError::Roots(PemError::NoItemsFound));
        }
        Ok(Self::from_config(Arc::new(client_config(roots))))
    }

    /// Does whatever this configuration says, for example show a certificate of the client's.
    #[must_use]
    pub fn from_config(config: Arc<ClientConfig>) -> Self {
        Self { config: Some(config) }
    }

    pub(super) fn connector(&self) -> TlsConnector {
        let config = self.config.clone().unwrap_or_else(|| {
            let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
            Arc::new(client_config(roots))
        });
        TlsConnector::from(config)
    }
}

/// Makes what accepts TLS connections, from a file with the chain of certificates, the server's
/// own first, and a file with its private key, both in PEM format.
///
/// # Errors
/// When a file cannot be read, holds nothing of use, or the two do not fit each other.
pub fn tls_acceptor(certificates: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { what, path, source }
    };
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|chain| if chain.is_empty() { Err(PemError::NoItemsFound) } else { Ok(chain) })
        .map_err(failed("a certificate", certificates))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(failed("a private key", key))?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for all versions of TLS")
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|source| TlsError::Pair {
            certificates: certificates.to_owned(),
            key: key.to_owned(),
            source,
        })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Returns what identifies a connection of TLS 1.3 at both of its ends, by the binding
/// `tls-exporter` of RFC 9266.
#[must_use]
pub fn channel_id<D>(connection: &ConnectionCommon<D>) -> Option<[u8; 32]> {
    if connection.protocol_version()? != ProtocolVersion::TLSv1_3 {
        return None;
    }
    connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None).ok()
}

fn client_config(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for all versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

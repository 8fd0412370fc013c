//! When a certificate is good, and what to do when it is not.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, RootCertStore, crypto};

/// What a client says of a server's certificate that is refused for its dates.
pub(in super::super) fn refused(error: &io::Error) -> Option<&'static str> {
    let error = error.get_ref()?.downcast_ref()?;
    let rustls::Error::InvalidCertificate(error) = error else { return None };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Some("has expired: have it renewed, or set this machine's clock if that is wrong")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Some("is not valid yet: set this machine's clock, or wait")
        }
        _ => None,
    }
}

/// What a server may say of the certificates in a file that clients refuse for their dates. It is no
/// reason not to start: the clock may be wrong.
#[must_use]
pub fn warning(certificates: &Path) -> Option<String> {
    let chain = CertificateDer::pem_file_iter(certificates).ok()?;
    let path = certificates.display();
    chain.flatten().find_map(|certificate| match checked(&certificate)? {
        CertificateError::ExpiredContext { not_after, .. } => Some(format!(
            "the certificate in `{path}` has expired ({}), clients refuse it: renew it and start \
             again, or set this machine's clock if that is wrong",
            shown(not_after)
        )),
        CertificateError::NotValidYetContext { not_before, .. } => Some(format!(
            "the certificate in `{path}` is not valid yet ({}), clients refuse it: set this \
             machine's clock, or wait",
            shown(not_before)
        )),
        _ => None,
    })
}

/// What a client finds wrong with a certificate. The dates come first, and who has signed it, which
/// this server cannot know, later.
fn checked(certificate: &CertificateDer<'_>) -> Option<CertificateError> {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let provider = Arc::new(crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let name = ServerName::try_from("localhost").ok()?;
    let now = UnixTime::now();
    match verifier.ok()?.verify_server_cert(certificate, &[], &name, &[], now) {
        Err(rustls::Error::InvalidCertificate(error)) => Some(error),
        _ => None,
    }
}

fn shown(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}

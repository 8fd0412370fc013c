//! Certificates, keys and the ids of channels.

use tokio::net::TcpListener;

use super::super::testing::{Identity, soon};
use super::*;

#[test]
fn files_without_a_certificate_or_key_are_named() {
    let (one, other) = (Identity::new(), Identity::new());
    let missing = one.key().with_file_name("missing.pem");
    let refused = |certificates: &Path, key: &Path| match tls_acceptor(certificates, key) {
        Ok(_) => panic!("nothing is wrong"),
        Err(error) => error.to_string(),
    };
    let cannot = |what, path: &Path| {
        format!("cannot read {what} from `{}`: give a file in PEM format", path.display())
    };
    for path in [&missing, &one.key()] {
        assert_eq!(refused(path, &one.key()), cannot("a certificate", path));
    }
    for path in [&missing, &one.certificates()] {
        assert_eq!(refused(&one.certificates(), path), cannot("a private key", path));
    }
    assert_eq!(
        refused(&one.certificates(), &other.key()),
        format!(
            "a server cannot use the certificate `{}` with the private key `{}`",
            one.certificates().display(),
            other.key().display()
        )
    );
}

#[test]
fn certificates_to_trust_must_be_some() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (pem, error) in [
        ("", "cannot read the certificates to trust: give them in PEM format"),
        (broken, "a certificate to trust is not usable"),
    ] {
        assert_eq!(ClientTls::trusting(pem).unwrap_err().to_string(), error);
    }
}

#[tokio::test]
async fn channel_has_an_id_at_both_ends_with_tls_1_3_only() {
    let identity = Identity::new();
    let acceptor = tls_acceptor(&identity.certificates(), &identity.key()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut seen = Vec::new();
    for version in [&rustls::version::TLS13, &rustls::version::TLS13, &rustls::version::TLS12] {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(identity.pem.as_bytes()).unwrap()).unwrap();
        let config =
            ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        let client = ClientTls::from_config(Arc::new(config)).connector();
        let stream = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let name = "localhost".try_into().unwrap();
        let (client, server) =
            soon(async { tokio::join!(client.connect(name, stream), acceptor.accept(accepted)) })
                .await;
        let ids =
            [channel_id(client.unwrap().get_ref().1), channel_id(server.unwrap().get_ref().1)];
        assert_eq!(ids[0], ids[1]);
        seen.push(ids[0]);
    }
    assert!(seen[0].is_some() && seen[1].is_some() && seen[0] != seen[1]);
    assert_eq!(seen[2], None);
}

//! TLS, by rustls and the certificates that the operating system trusts. Must not know what is said behind it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::comeback::End;
use super::dial::Transport;
use rtbroadcaster_core::closing::Closing;

/// What secures connections. The trusted certificates are read when the first one is made.
#[derive(Default)]
pub(super) struct Tls {
    config: OnceLock<Arc<ClientConfig>>,
}

impl Tls {
    /// `stream` with TLS around it, to a server that has proved to be `host`.
    pub(super) async fn secure(&self, host: &str, stream: impl Transport + 'static) -> Result<Box<dyn Transport>, End> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| distrusted())?;
        let config = self.config.get_or_init(|| Arc::new(trusting_the_system()));
        let secured = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
        match secured {
            Ok(stream) => Ok(Box::new(stream)),
            // What rustls has to say comes as this kind.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(distrusted()),
            Err(_) => Err(Closing::lost("lost").into()),
        }
    }
}

/// The server is not who it should be, or speaks something else.
fn distrusted() -> End {
    Closing::lost("tls").for_good().into()
}

fn trusting_the_system() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    // Those that cannot be read are trusted by nobody.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    with_roots(roots)
}

fn with_roots(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    versions.expect("ring speaks TLS 1.2 and 1.3").with_root_certificates(roots).with_no_client_auth()
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

    use super::*;

    /// The certificate of `in.memory`, signed by its own key, until 2126.
    const CERTIFICATE: &[u8] = include_bytes!("tls/certificate.der");

    /// The key to it, a secret of nobody.
    const KEY: &[u8] = include_bytes!("tls/key.der");

    /// A server that says one word to whoever trusts it.
    fn server() -> DuplexStream {
        let (here, there) = tokio::io::duplex(1 << 16);
        let key = PrivateKeyDer::try_from(KEY.to_vec()).unwrap();
        let versions = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = versions.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key).unwrap();
        tokio::spawn(async move {
            // Who does not trust it goes in the middle of this.
            let mut stream = TlsAcceptor::from(Arc::new(config)).accept(there).await?;
            stream.write_all(b"word").await?;
            stream.shutdown().await
        });
        here
    }

    fn trusting(certificate: &[u8]) -> Tls {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(certificate.to_vec())).unwrap();
        Tls { config: OnceLock::from(Arc::new(with_roots(roots))) }
    }

    #[tokio::test]
    async fn a_server_is_heard_when_it_has_the_name_and_a_certificate_that_is_trusted() {
        let mut stream = trusting(CERTIFICATE).secure("in.memory", server()).await.unwrap();
        let mut word = String::new();
        stream.read_to_string(&mut word).await.unwrap();
        assert_eq!(word, "word");
    }

    #[tokio::test]
    async fn any_other_server_is_not_and_never_will_be() {
        for (tls, host) in
            [(trusting(CERTIFICATE), "another.name"), (Tls::default(), "in.memory"), (Tls::default(), "")]
        {
            let end = tls.secure(host, server()).await.err().unwrap();
            assert_eq!((end.closing.reason(), end.closing.comes_back()), ("tls", false), "{host}");
        }
    }

    #[tokio::test]
    async fn a_server_without_tls_is_no_server_and_one_that_goes_may_come_back() {
        let (here, mut there) = tokio::io::duplex(1 << 10);
        there.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let end = trusting(CERTIFICATE).secure("in.memory", here).await.err().unwrap();
        assert!(!end.closing.comes_back());
        let (here, there) = tokio::io::duplex(1 << 10);
        drop(there);
        let end = trusting(CERTIFICATE).secure("in.memory", here).await.err().unwrap();
        assert!(end.closing.comes_back());
    }
}

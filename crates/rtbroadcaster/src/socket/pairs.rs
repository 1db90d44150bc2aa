//! Tests only: both ends of a connection over real sockets with small buffers, in plain and over TLS.
//! Must not know what is sent.

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

use super::{LaneSocket, Stream};

/// The kind of a connection between the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PairKind {
    Tcp,
    #[cfg(feature = "tls")]
    Tls,
}

/// All kinds that a lane can write to.
pub(crate) const KINDS: &[PairKind] = &[
    PairKind::Tcp,
    #[cfg(feature = "tls")]
    PairKind::Tls,
];

/// Returns the server's end of a connection, and the peer's.
pub(crate) async fn pair(kind: PairKind) -> (LaneSocket, Box<dyn Stream>) {
    match kind {
        PairKind::Tcp => {
            let (server, peer) = tcp().await;
            (LaneSocket::Tcp(server), Box::new(peer))
        }
        #[cfg(feature = "tls")]
        PairKind::Tls => {
            let (server, peer) = secured::pair().await;
            (server, Box::new(peer))
        }
    }
}

/// Returns the server's end, then the peer's.
async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    SockRef::from(&server).set_send_buffer_size(8 * 1024).unwrap();
    SockRef::from(&peer).set_recv_buffer_size(32 * 1024).unwrap();
    #[cfg(target_os = "linux")]
    SockRef::from(&server).set_tcp_notsent_lowat(16 * 1024).unwrap();
    (server, peer)
}

#[cfg(feature = "tls")]
pub(crate) mod secured {
    use std::sync::Arc;

    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
    use tokio_rustls::{TlsAcceptor, TlsConnector, client};

    use super::*;
    use crate::socket::TlsSocket;

    /// The certificate of `in.memory`, signed by its own key, which the tests of the other end have too.
    const CERTIFICATE: &[u8] = include_bytes!("../../../rtbroadcaster-client/src/tls/certificate.der");

    /// The key to it, which is no secret.
    const KEY: &[u8] = include_bytes!("../../../rtbroadcaster-client/src/tls/key.der");

    /// Returns what secures the server's end.
    pub(crate) fn acceptor() -> TlsAcceptor {
        let versions = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = versions.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let key = PrivateKeyDer::try_from(KEY.to_vec()).unwrap();
        Arc::new(config.with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key).unwrap()).into()
    }

    /// Returns the peer's end of `tcp`.
    pub(crate) async fn connect(tcp: TcpStream) -> client::TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(CERTIFICATE)).unwrap();
        let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = versions.with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("in.memory").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap()
    }

    /// Returns the server's end of a connection, and the peer's.
    pub(crate) async fn pair() -> (LaneSocket, client::TlsStream<TcpStream>) {
        let (server, peer) = tcp().await;
        let (server, peer) = tokio::join!(acceptor().accept(server), connect(peer));
        let (tcp, session) = server.unwrap().into_inner();
        (LaneSocket::Tls(Box::new(TlsSocket::new(tcp, session))), peer)
    }
}

//! An address that stays while servers change, and whose connections can be cut. Must not know what is said on them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// Relays until it is dropped.
pub(super) struct Relay {
    url: String,
    target: Arc<Mutex<SocketAddr>>,
    connections: Arc<Mutex<JoinSet<()>>>,
    /// How often the path has gone dark.
    darkness: watch::Sender<u32>,
    _serving: AbortOnDropHandle<()>,
}

impl Relay {
    pub(super) async fn open(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/broadcasting", listener.local_addr().unwrap());
        let (target, connections) = (Arc::new(Mutex::new(target)), Arc::<Mutex<JoinSet<()>>>::default());
        let darkness = watch::channel(0).0;
        let serving = tokio::spawn(serve(listener, Arc::clone(&target), Arc::clone(&connections), darkness.clone()));
        Self { url, target, connections, darkness, _serving: AbortOnDropHandle::new(serving) }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// All connections are cut, and new ones too.
    #[cfg(feature = "disk")]
    pub(super) fn leads_nowhere(&self) {
        // A port that a system process would have, and none has.
        self.leads_to(([127, 0, 0, 1], 1).into());
        self.cut();
    }

    /// New connections go there.
    #[cfg(feature = "disk")]
    pub(super) fn leads_to(&self, target: SocketAddr) {
        *self.target.lock().unwrap() = target;
    }

    /// All connections stay open and carry nothing any more, as behind a NAT that has forgotten them. New ones work.
    pub(super) fn goes_dark(&self) {
        self.darkness.send_modify(|times| *times += 1);
    }

    /// Cuts all connections.
    pub(super) fn cut(&self) {
        self.connections.lock().unwrap().abort_all();
    }
}

async fn serve(
    listener: TcpListener,
    target: Arc<Mutex<SocketAddr>>,
    connections: Arc<Mutex<JoinSet<()>>>,
    darkness: watch::Sender<u32>,
) {
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let target = *target.lock().unwrap();
        let mut darkness = darkness.subscribe();
        connections.lock().unwrap().spawn(async move {
            // Without a server the client is cut.
            if let Ok(mut server) = TcpStream::connect(target).await {
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    _ = darkness.changed() => std::future::pending().await,
                }
            }
        });
    }
}

/// A directory that goes with its test.
#[cfg(feature = "disk")]
pub(super) struct Directory(std::path::PathBuf);

#[cfg(feature = "disk")]
impl Directory {
    pub(super) fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("rtbroadcaster-{name}-{}", std::process::id())))
    }

    pub(super) fn disk(&self) -> rtbroadcaster::Disk {
        rtbroadcaster::Disk::at(&self.0)
    }
}

#[cfg(feature = "disk")]
impl Drop for Directory {
    fn drop(&mut self) {
        // The system clears what cannot be removed now.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

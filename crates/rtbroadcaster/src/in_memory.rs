//! Connections to a manager within its process.
//! Must not know what is sent over them.

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rtbroadcaster_client::Target;
use tokio::io::DuplexStream;

use crate::manager::Manager;
use crate::rights::Permit;
use crate::upgrade::Upgrade;

/// How many bytes one end of a connection takes before the other end has read them.
const BUFFER_BYTES: usize = 64 * 1024;

impl Manager {
    /// Returns this manager as a server that owners and viewers of [`remote`](crate::remote) connect to without a port.
    /// They pass the same handshake, limits and [rights](crate::Rights) as over the network, and reconnect after the
    /// same delays. Only limits per address do not apply. For tests of applications, also under a paused clock, and for
    /// programs that watch rooms of their own.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::remote::{Owner, Viewer};
    /// use rtbroadcaster::{Config, Manager, Message, Permit};
    ///
    /// let manager = Manager::new(Config::default());
    /// let owner = Owner::create(manager.in_memory(Permit::owner())).await?;
    /// let viewer = Viewer::join(manager.in_memory(Permit::viewer()), owner.room())?;
    /// let seq = owner.publish(Message::state("score", [2, 1])?).await?;
    /// viewer.watch_state().wait_for(|state| state.seq() >= seq).await?;
    /// assert_eq!(viewer.state().parse::<[u8; 2]>("score").unwrap()?, [2, 1]);
    ///
    /// let refused = Owner::create(manager.in_memory(Permit::viewer())).await;
    /// assert!(refused.is_err(), "a viewer's rights create no room");
    /// # Ok(()) }
    /// ```
    ///
    /// Connections are made on the Tokio runtime in which an owner or a viewer runs.
    pub fn in_memory(&self, permit: impl Into<Permit>) -> Target {
        let (manager, permit) = (self.clone(), permit.into());
        Target::in_memory(move || Some(manager.connect(permit.clone())))
    }

    /// Connects to this manager within the process.
    pub(crate) fn connect(&self, permit: Permit) -> DuplexStream {
        let (here, there) = tokio::io::duplex(BUFFER_BYTES);
        let manager = self.clone();
        tokio::spawn(async move {
            let answer = service_fn(async |mut request: http::Request<hyper::body::Incoming>| {
                let response: http::Response<String> = match Upgrade::new(&mut request) {
                    Ok(upgrade) => upgrade.accept(&manager, permit.clone()).await,
                    Err(error) => error.answer(&manager),
                };
                Ok::<_, std::convert::Infallible>(response)
            });
            let connection = hyper::server::conn::http1::Builder::new();
            // An end before the upgrade is seen at the other end.
            let _ = connection.serve_connection(TokioIo::new(there), answer).with_upgrades().await;
        });
        here
    }
}

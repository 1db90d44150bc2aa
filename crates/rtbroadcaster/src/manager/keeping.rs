//! Opens a manager whose rooms are kept, and reports whether they can be.
//! Must not know the directory.

#[cfg(any(feature = "disk", feature = "nats"))]
use std::sync::Arc;

use super::Manager;
#[cfg(any(feature = "disk", feature = "nats"))]
use crate::clock::Clock;
use crate::engine::Health;
#[cfg(any(feature = "disk", feature = "nats"))]
use crate::engine::OpenedEngine;
#[cfg(feature = "disk")]
use crate::engine::disk::{Disk, DiskError};
#[cfg(feature = "nats")]
use crate::engine::nats::{Nats, NatsError, OpenedNats};
use crate::metrics::LogStatus;
#[cfg(any(feature = "disk", feature = "nats"))]
use crate::server::Server;
#[cfg(any(feature = "disk", feature = "nats"))]
use rtbroadcaster_core::config::Config;

impl Manager {
    /// Opens a manager whose rooms are kept in a directory and outlive the process, with all rooms that are kept there.
    /// Short for [`builder`](Self::builder), [`engine`](crate::ManagerBuilder::engine) and
    /// [`open`](crate::ManagerBuilder::open), with the directory's own error. Only rooms with an
    /// [`OwnerKey`](crate::OwnerKey) are kept: no owner could return to any other.
    ///
    /// An owner that was there is away now, and its grace begins. Viewers that resume with a cursor are `resumed` if
    /// the directory holds what they have, and otherwise `reset`, whatever was done to its files. They are recognized
    /// by the [`Config::secret`], or by the one in the directory's file `secret`, which is made if it is not there.
    /// This reads all of the directory, which takes about a second for each 100 MB.
    ///
    /// # Errors
    /// [`DiskError`] if the directory cannot be used.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, Disk, Manager, Message};
    ///
    /// # let directory = std::env::temp_dir().join(format!("rtbroadcaster-example-{}", std::process::id()));
    /// # let disk = Disk::at(&directory);
    /// let manager = Manager::open(Config::default(), &disk).await?;
    /// let owner = manager.create_room().await?;
    /// owner.publish(Message::state("score", [2, 1])?).await?;
    /// let (room, key) = (owner.room(), owner.key().clone());
    /// manager.shutdown().await;
    ///
    /// let manager = Manager::open(Config::default(), &disk).await?;
    /// let owner = manager.own(&room, &key).await?;
    /// assert_eq!(owner.publish(Message::state("score", [3, 1])?).await?.get(), 2);
    /// # manager.shutdown().await;
    /// # std::fs::remove_dir_all(directory)?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "disk")]
    pub async fn open(config: Config, disk: &Disk) -> Result<Self, DiskError> {
        let server = Server::new(config, Clock::of_the_world());
        let now = server.clock().now();
        let counters = Arc::clone(server.counters());
        let OpenedEngine { engine, rooms, lives, secret } =
            disk.open(now, counters, server.config().secret.clone()).await?;
        server.take_over(engine, rooms, lives, secret);
        Ok(Self(Arc::new(server)))
    }

    /// Opens a manager whose rooms other nodes have, too.
    #[cfg(feature = "nats")]
    pub(super) async fn open_nats(config: Config, nats: &Nats) -> Result<Self, NatsError> {
        let OpenedNats { opened, now } = nats.open(&config).await?;
        let server = Server::new(config, now.map_or_else(Clock::of_the_world, Clock::at));
        let OpenedEngine { engine, rooms, lives, secret } = opened;
        server.take_over(engine, rooms, lives, secret);
        Ok(Self(Arc::new(server)))
    }

    /// Returns whether the logs of rooms that are kept can be written now. A load balancer should not send new clients
    /// to a server whose logs cannot be. Always [`LogStatus::Writable`] for a manager whose rooms are in memory only.
    ///
    /// ```
    /// use rtbroadcaster::{Config, LogStatus, Manager};
    ///
    /// assert_eq!(Manager::new(Config::default()).log_status(), LogStatus::Writable);
    /// ```
    pub fn log_status(&self) -> LogStatus {
        match self.0.health() {
            Health::Fine => LogStatus::Writable,
            Health::Failing => LogStatus::Unavailable,
            Health::Lost => LogStatus::Lost,
        }
    }

    /// Waits until the logs of rooms that are kept can never be written again ([`LogStatus::Lost`]). The program should
    /// end then, with that reason. Waits for ever if that does not happen.
    pub fn log_lost(&self) -> impl Future<Output = ()> + Send + use<> {
        let engine = self.0.rooms().and_then(|registry| registry.engine().cloned());
        async move {
            if let Some(engine) = engine
                && engine.health().wait_for(|health| *health == Health::Lost).await.is_ok()
            {
                return;
            }
            std::future::pending().await
        }
    }
}

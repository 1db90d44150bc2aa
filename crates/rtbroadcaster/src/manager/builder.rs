//! Makes a manager from its parts.
//! Must not know how an engine works.

use rtbroadcaster_core::config::Config;

use super::Manager;
use crate::engine::EngineError;
#[cfg(feature = "disk")]
use crate::engine::disk::Disk;
#[cfg(feature = "nats")]
use crate::engine::nats::Nats;

/// The parts of a [`Manager`], made by [`Manager::builder`].
#[derive(Debug, Clone)]
#[must_use = "a manager is made by `open`"]
pub struct ManagerBuilder {
    config: Config,
    engine: Option<EngineOptions>,
}

/// An engine that keeps rooms, for [`ManagerBuilder::engine`]: each is made by its own type.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EngineOptions {
    /// A directory of this machine.
    #[cfg(feature = "disk")]
    Disk(Disk),
    /// A stream in NATS JetStream, which several nodes share.
    #[cfg(feature = "nats")]
    Nats(Nats),
}

#[cfg(feature = "disk")]
impl From<Disk> for EngineOptions {
    fn from(disk: Disk) -> Self {
        Self::Disk(disk)
    }
}

#[cfg(feature = "nats")]
impl From<Nats> for EngineOptions {
    fn from(nats: Nats) -> Self {
        Self::Nats(nats)
    }
}

impl Manager {
    /// Returns the parts of a manager with these limits and delays, whose rooms are in memory only.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, Manager};
    ///
    /// let manager = Manager::builder(Config::default()).open().await?;
    /// assert!(manager.rooms().is_empty());
    /// # Ok(()) }
    /// ```
    pub fn builder(config: Config) -> ManagerBuilder {
        ManagerBuilder { config, engine: None }
    }
}

impl ManagerBuilder {
    /// Keeps rooms with this engine, so that they outlive the process; the last call counts.
    ///
    /// ```
    /// # #[cfg(feature = "disk")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, Disk, EngineError, Manager};
    ///
    /// # let directory = std::env::temp_dir().join(format!("rtbroadcaster-builder-{}", std::process::id()));
    /// let disk = Disk::at(&directory);
    /// let manager = Manager::builder(Config::default()).engine(disk.clone()).open().await?;
    /// let second = Manager::builder(Config::default()).engine(disk).open().await;
    /// assert!(matches!(second, Err(EngineError::Disk(_))), "the directory is in use");
    /// # manager.shutdown().await;
    /// # std::fs::remove_dir_all(directory)?;
    /// # Ok(()) }
    /// # #[cfg(not(feature = "disk"))] fn main() {}
    /// ```
    #[cfg(any(feature = "disk", feature = "nats"))]
    pub fn engine(self, engine: impl Into<EngineOptions>) -> Self {
        Self { engine: Some(engine.into()), ..self }
    }

    /// Opens the engine, reads everything that it has kept, and returns a manager with those rooms.
    ///
    /// # Errors
    /// [`EngineError`] if the engine cannot be opened; never for a manager whose rooms are in memory only.
    ///
    /// # Panics
    /// With an engine, outside of a Tokio runtime.
    pub async fn open(self) -> Result<Manager, EngineError> {
        match self.engine {
            None => Ok(Manager::new(self.config)),
            #[cfg(feature = "disk")]
            Some(EngineOptions::Disk(disk)) => Ok(Manager::open(self.config, &disk).await?),
            #[cfg(feature = "nats")]
            Some(EngineOptions::Nats(nats)) => Ok(Manager::open_nats(self.config, &nats).await?),
        }
    }
}

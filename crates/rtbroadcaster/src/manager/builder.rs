//! Makes a manager from its parts.
//! Must not know how an engine works.

use rtbroadcaster_core::config::Config;

use super::Manager;
use crate::engine::EngineError;
#[cfg(feature = "disk")]
use crate::engine::disk::Disk;

/// The parts of a [`Manager`], made by [`Manager::builder`].
#[derive(Debug, Clone)]
#[must_use = "a manager is made by `open`"]
pub struct ManagerBuilder {
    config: Config,
    /// The directory in which rooms are kept, if they are.
    #[cfg(feature = "disk")]
    disk: Option<Disk>,
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
        ManagerBuilder {
            config,
            #[cfg(feature = "disk")]
            disk: None,
        }
    }
}

impl ManagerBuilder {
    /// Keeps rooms with this engine, so that they outlive the process; the last call counts.
    ///
    /// ```
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
    /// ```
    #[cfg(feature = "disk")]
    pub fn engine(self, disk: Disk) -> Self {
        Self { disk: Some(disk), ..self }
    }

    /// Opens the engine, reads everything that it has kept, and returns a manager with those rooms.
    ///
    /// # Errors
    /// [`EngineError`] if the engine cannot be opened; never for a manager whose rooms are in memory only.
    ///
    /// # Panics
    /// With an engine, outside of a Tokio runtime.
    pub async fn open(self) -> Result<Manager, EngineError> {
        #[cfg(feature = "disk")]
        if let Some(disk) = self.disk {
            return Ok(Manager::open(self.config, &disk).await?);
        }
        Ok(Manager::new(self.config))
    }
}

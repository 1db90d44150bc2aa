//! The reason why an engine cannot be opened.
//! Must not know how an engine works.

#[cfg(feature = "disk")]
use super::disk::DiskError;
#[cfg(feature = "nats")]
use super::nats::NatsError;

/// The reason why the engine of a manager cannot be opened: see [`ManagerBuilder::open`](crate::ManagerBuilder::open).
///
/// ```
/// # #[cfg(feature = "disk")] {
/// use std::error::Error;
///
/// use rtbroadcaster::{DiskError, EngineError};
///
/// let error = EngineError::from(DiskError::InUse("/srv/rooms".into()));
/// assert_eq!(error.to_string(), "the engine of the disk cannot be opened");
/// assert!(error.source().is_some_and(|source| source.is::<DiskError>()), "its source says why");
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The directory cannot be used.
    #[cfg(feature = "disk")]
    #[error("the engine of the disk cannot be opened")]
    Disk(#[from] DiskError),
    /// The log in NATS cannot be used.
    #[cfg(feature = "nats")]
    #[error("the engine of NATS cannot be opened")]
    Nats(#[from] NatsError),
}

//! The reason why an engine cannot be opened.
//! Must not know how an engine works.

#[cfg(feature = "disk")]
use super::disk::DiskError;

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
}

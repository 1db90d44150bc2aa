//! Random bytes of the operating system.
//! Must not know what is drawn.

use rtbroadcaster_core::random::Random;

/// The operating system's generator of random bytes.
///
/// ```
/// use rtbroadcaster::{OsRandom, RoomId};
///
/// assert_ne!(RoomId::random(&OsRandom), RoomId::random(&OsRandom));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    /// # Panics
    /// If the operating system has none, which no supported one does once it has started.
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

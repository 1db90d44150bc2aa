//! The options of a room, which its creator chooses.
//! Must not know rooms.

use std::time::Duration;

use crate::id::RoomName;
use crate::message::Key;

/// The most keys of which a room counts the signals.
pub const COUNTED_KEYS_MAX: usize = 8;

/// The shortest and the longest time between two totals.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60);

/// The options of a room besides its messages, see `Manager::create_room_with`.
///
/// ```
/// use rtbroadcaster::{Counting, RoomOptions, RoomOptionsError};
/// use std::time::Duration;
///
/// let once = Counting { once_per_viewer: true, ..Counting::default() };
/// let options = RoomOptions::new().with_audience().with_counting("vote", once)?;
/// assert_eq!(options.clone().with_counting("vote", once), Err(RoomOptionsError::KeyRepeated));
/// let hasty = Counting { every: Duration::from_millis(1), ..once };
/// assert_eq!(options.with_counting("mood", hasty), Err(RoomOptionsError::Every { every: hasty.every }));
/// # Ok::<(), RoomOptionsError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomOptions {
    /// The name that it gets in place of a random id.
    name: Option<RoomName>,
    /// Whether viewers get the number of viewers.
    audience: bool,
    /// The keys whose signals are counted, and how.
    counted: Vec<(Key, Counting)>,
    /// How long the room waits for an owner that is gone, if its creator asked for that.
    grace: Option<Duration>,
}

/// How the signals of one key are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counting {
    /// How long changes wait after the first one, so that the owner gets many at once: 100 ms to 60 s. Default 1 s.
    pub every: Duration,
    /// Whether a viewer's newer value replaces its older one, as in a vote, over all its connections and also when it
    /// comes back with its key; otherwise each signal counts. The viewers that have a value are at most two times
    /// [`viewers_per_room_max`](crate::config::Config::viewers_per_room_max) until the owner clears the key. Default
    /// no.
    pub once_per_viewer: bool,
}

impl Default for Counting {
    fn default() -> Self {
        Self { every: Duration::from_secs(1), once_per_viewer: false }
    }
}

/// Why options of a room are invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoomOptionsError {
    /// The key is empty or too long.
    #[error("a key has 1 to 256 bytes, not {bytes}")]
    Key {
        /// Its length.
        bytes: usize,
    },
    /// The same key twice.
    #[error("a key is counted in one way")]
    KeyRepeated,
    /// There are too many keys.
    #[error("a room counts the signals of at most {COUNTED_KEYS_MAX} keys")]
    TooManyKeys,
    /// The time between two totals is too short or too long.
    #[error("totals are sent every 100 ms to 60 s, not every {every:?}")]
    Every {
        /// That time.
        every: Duration,
    },
}

impl RoomOptions {
    /// Returns the options of a room that has messages only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the room this name in place of a random id. There is one room of a name at a time.
    ///
    /// A client that guesses a name may join the room, unless its rights say otherwise. Over the network a connection
    /// may give a name only if its rights cover it; by default none do.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, CreateError, Manager, RoomName, RoomOptions};
    ///
    /// let manager = Manager::new(Config::default());
    /// let lobby = RoomOptions::new().with_name(RoomName::new("lobby")?);
    /// let owner = manager.create_room_with(lobby.clone()).await?;
    /// assert_eq!(owner.room().to_string(), "lobby");
    /// assert_eq!(manager.create_room_with(lobby).await.err(), Some(CreateError::Exists));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_name(self, name: RoomName) -> Self {
        Self { name: Some(name), ..self }
    }

    /// Returns the name that the room gets, if its creator asked for one.
    pub fn name(&self) -> Option<&RoomName> {
        self.name.as_ref()
    }

    /// Removes and returns the name: a room that exists has it as its id.
    pub fn take_name(&mut self) -> Option<RoomName> {
        self.name.take()
    }

    /// Sends the number of viewers to viewers, too.
    #[must_use]
    pub fn with_audience(self) -> Self {
        Self { audience: true, ..self }
    }

    /// Makes the room wait so long for an owner that is gone, in place of
    /// [`owner_grace`](crate::config::Config::owner_grace): at most
    /// [`owner_grace_max`](crate::config::Config::owner_grace_max), and at least
    /// [`least_safe_grace`](crate::config::Config::least_safe_grace).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, Manager, RoomOptions};
    /// use std::time::Duration;
    ///
    /// let manager = Manager::new(Config::default());
    /// let hour = RoomOptions::new().with_grace(Duration::from_secs(3_600));
    /// assert_eq!(manager.create_room_with(hour).await?.grace(), Some(Duration::from_secs(3_600)));
    /// let hasty = RoomOptions::new().with_grace(Duration::from_secs(1));
    /// assert_eq!(manager.create_room_with(hasty).await?.grace(), Some(manager.config().least_safe_grace()));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace: Some(grace), ..self }
    }

    /// Returns how long the room waits for an owner that is gone, if its creator asked for that.
    pub fn grace(&self) -> Option<Duration> {
        self.grace
    }

    /// Counts the signals of `key` by their parameters, instead of passing them on one by one.
    ///
    /// # Errors
    /// [`RoomOptionsError`] if the key or the time is invalid, the key is repeated, or there are too many keys.
    pub fn with_counting(mut self, key: &str, counting: Counting) -> Result<Self, RoomOptionsError> {
        let key = Key::new(key).ok_or(RoomOptionsError::Key { bytes: key.len() })?;
        if self.counted.iter().any(|(known, _)| *known == key) {
            return Err(RoomOptionsError::KeyRepeated);
        }
        if self.counted.len() == COUNTED_KEYS_MAX {
            return Err(RoomOptionsError::TooManyKeys);
        }
        if !(SHORTEST..=LONGEST).contains(&counting.every) {
            return Err(RoomOptionsError::Every { every: counting.every });
        }
        self.counted.push((key, counting));
        Ok(self)
    }

    /// Returns whether viewers get the number of viewers.
    pub fn has_audience(&self) -> bool {
        self.audience
    }

    /// Returns the keys whose signals are counted, and how.
    pub fn counted(&self) -> impl ExactSizeIterator<Item = (&str, Counting)> {
        self.counted.iter().map(|(key, counting)| (key.as_str(), *counting))
    }

    /// Returns the same, with the keys as they are stored.
    pub fn counted_keys(&self) -> &[(Key, Counting)] {
        &self.counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_counts_so_many_keys_and_tells_of_them_at_such_times() {
        let counting = |millis| Counting { every: Duration::from_millis(millis), once_per_viewer: false };
        let add = |options: RoomOptions, key: &str, millis| options.with_counting(key, counting(millis));
        assert_eq!(add(RoomOptions::new(), "", 100), Err(RoomOptionsError::Key { bytes: 0 }));
        assert_eq!(add(RoomOptions::new(), &"k".repeat(257), 100), Err(RoomOptionsError::Key { bytes: 257 }));
        for millis in [99, 60_001] {
            let every = Duration::from_millis(millis);
            assert_eq!(add(RoomOptions::new(), "k", millis), Err(RoomOptionsError::Every { every }));
        }
        let keys = (0..COUNTED_KEYS_MAX).map(|key| key.to_string());
        let full = keys.fold(RoomOptions::new(), |options, key| add(options, &key, 60_000).unwrap());
        assert_eq!(full.counted().len(), COUNTED_KEYS_MAX);
        assert_eq!(add(full.clone(), "0", 100), Err(RoomOptionsError::KeyRepeated));
        assert_eq!(add(full, "more", 100), Err(RoomOptionsError::TooManyKeys));
    }
}

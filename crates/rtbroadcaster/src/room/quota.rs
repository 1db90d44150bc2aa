//! Counts the bytes that rooms keep, in all and for the addresses that created them, against their limits.
//! Must not know rooms, nor where they are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::room::core::Space;

/// A number of bytes that some rooms keep.
pub(super) type Bytes = Arc<AtomicU64>;

/// One room's share of the bytes that rooms may keep. Dropping it releases its bytes.
#[derive(Debug)]
pub(super) struct Share {
    /// The bytes of this room.
    own: AtomicU64,
    /// The bytes of all rooms, and those of its address if that is known, each with its limit.
    counts: [Option<(Bytes, Limit<u64>)>; 2],
}

impl Share {
    /// Returns the share of a room that keeps nothing yet.
    pub(super) fn new(all: &Bytes, address: Option<&Bytes>, config: &Config) -> Self {
        let counts = [
            Some((Arc::clone(all), config.data_bytes_max)),
            address.map(|bytes| (Arc::clone(bytes), config.data_bytes_per_address_max)),
        ];
        Self { own: AtomicU64::default(), counts }
    }

    /// Returns whether the room may keep more than it does.
    pub(super) fn space(&self) -> Space {
        let is_full = |(bytes, limit): &(Bytes, Limit<u64>)| limit.is_reached_by(bytes.load(Ordering::Relaxed));
        if self.counts.iter().flatten().any(is_full) { Space::None } else { Space::Some }
    }

    /// Sets how many bytes the room keeps from now on. Called under the room's lock.
    pub(super) fn holds(&self, bytes: u64) {
        let before = self.own.swap(bytes, Ordering::Relaxed);
        for (count, _) in self.counts.iter().flatten() {
            // Wraps in between, and is right once all have changed it.
            count.fetch_add(bytes.wrapping_sub(before), Ordering::Relaxed);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.holds(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_address_stops_its_own_rooms_and_a_full_directory_all() {
        let config =
            Config { data_bytes_max: Limit::Max(100), data_bytes_per_address_max: Limit::Max(50), ..Config::default() };
        let (all, one, other) = (Bytes::default(), Bytes::default(), Bytes::default());
        let share = |address| Share::new(&all, address, &config);
        let (first, second, third, unknown) = (share(Some(&one)), share(Some(&one)), share(Some(&other)), share(None));
        let spaces = || [&first, &second, &third, &unknown].map(|share| share.space() == Space::Some);
        first.holds(49);
        assert_eq!(spaces(), [true; 4]);
        second.holds(1);
        assert_eq!(spaces(), [false, false, true, true]);
        unknown.holds(50);
        assert_eq!(spaces(), [false; 4]);
        first.holds(9);
        assert_eq!(spaces(), [true; 4]);
        drop((first, second, unknown));
        assert_eq!((all.load(Ordering::Relaxed), one.load(Ordering::Relaxed)), (0, 0));
    }
}

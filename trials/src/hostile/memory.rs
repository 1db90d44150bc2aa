//! The most that a server may hold, by the formula of docs/operations.md. Pure.

/// An idle server, its allocator's slack included.
const BASE: u64 = 20 * 1024 * 1024;

/// The further resident memory of a program that is not optimized: three times as long, and 12 MiB before it does
/// anything.
const UNOPTIMIZED: u64 = if cfg!(debug_assertions) { 12 * 1024 * 1024 } else { 0 };

/// A store on the disk through which much was written.
const STORE: u64 = 96 * 1024 * 1024;

/// The memory that the allocator retains of attacks that are over.
const RETAINED: u64 = 6 * 1024 * 1024;

/// A served connection that takes its messages.
const CONNECTION: u64 = 2_048;

/// A connection that is still a request.
const HANDSHAKE: u64 = 32 * 1024;

/// A room with its owner, without its messages.
const ROOM: u64 = 2_560;

/// An incomplete message: the longest one, and the text that it becomes.
const HALF_MESSAGE: u64 = 2 * 64 * 1024;

/// A replay under way, without the frames, which are shared: one entry for each of at most 1 024.
const REPLAY: u64 = 64 * 1024;

/// The most of one client's backlog that is not shared.
const BACKLOG: u64 = 256 * 1024;

/// A key whose signals are counted: its values, and waiting totals.
const COUNTED_KEY: u64 = 32 * 1024;

/// A viewer's choice of a key with one choice each, which is remembered when the viewer has left.
const VOTE: u64 = 32;

/// The most that is on a server at the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ServerLoad {
    /// Connections that are served.
    pub(super) connections: u64,
    /// Connections that are requests.
    pub(super) handshakes: u64,
    /// Connections with an incomplete message.
    pub(super) half_messages: u64,
    /// Rooms.
    pub(super) rooms: u64,
    /// Replays that their clients do not read.
    pub(super) replays: u64,
    /// Clients whose backlog is full.
    pub(super) lagging: u64,
    /// The bytes of messages that are kept: in histories, states and replays, for each protocol.
    pub(super) pinned_bytes: u64,
    /// Keys whose signals are counted.
    pub(super) counted_keys: u64,
    /// Choices of viewers of keys with one choice each, of viewers that are connected and of those that have left.
    pub(super) votes: u64,
    /// Directories in which rooms are kept: one, or none.
    pub(super) stores: u64,
}

impl ServerLoad {
    /// Returns the most that the server may hold.
    pub(super) fn bound(self) -> u64 {
        let Self { connections, handshakes, half_messages, rooms, replays, lagging, pinned_bytes, .. } = self;
        BASE + UNOPTIMIZED
            + RETAINED
            + CONNECTION * connections
            + HANDSHAKE * handshakes
            + HALF_MESSAGE * half_messages
            + ROOM * rooms
            + REPLAY * replays
            + BACKLOG * lagging
            + pinned_bytes
            + COUNTED_KEY * self.counted_keys
            + VOTE * self.votes
            + STORE * self.stores
    }

    /// Returns both at the same time.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            connections: self.connections + other.connections,
            handshakes: self.handshakes + other.handshakes,
            half_messages: self.half_messages + other.half_messages,
            rooms: self.rooms + other.rooms,
            replays: self.replays + other.replays,
            lagging: self.lagging + other.lagging,
            pinned_bytes: self.pinned_bytes + other.pinned_bytes,
            counted_keys: self.counted_keys + other.counted_keys,
            votes: self.votes + other.votes,
            stores: self.stores + other.stores,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_load_counts() {
        let idle = ServerLoad::default();
        assert_eq!(idle.bound(), BASE + UNOPTIMIZED + RETAINED);
        assert_eq!(ServerLoad { stores: 1, ..idle }.bound() - idle.bound(), STORE);
        let viewers = ServerLoad { connections: 10_000, ..idle };
        assert_eq!(viewers.bound(), idle.bound() + 20_480_000);
        let all = ServerLoad {
            handshakes: 1,
            half_messages: 1,
            rooms: 1,
            replays: 1,
            lagging: 1,
            pinned_bytes: 1,
            ..viewers
        };
        assert_eq!(all.bound() - viewers.bound(), HANDSHAKE + HALF_MESSAGE + ROOM + REPLAY + BACKLOG + 1);
        let counting = ServerLoad { counted_keys: 1, votes: 1, ..idle };
        assert_eq!(counting.bound() - idle.bound(), COUNTED_KEY + VOTE);
        assert_eq!(viewers.and(all).connections, 20_000);
    }
}

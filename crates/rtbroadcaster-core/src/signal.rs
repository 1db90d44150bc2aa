//! The signals of viewers, as the owner of their room gets them.
//! Must not know how they are counted.

/// A signal of viewers to the owner of their room, see `Signals::recv`.
///
/// Parameters are the text of a JSON array, as the viewer wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// One viewer sent this.
    Single {
        /// The key that it calls.
        key: String,
        /// The parameters.
        params: String,
        /// The number of the viewer in the room: random and below 2^52. It is the same over all connections that show
        /// the key of the viewer, and no other viewer has it.
        from: u64,
        /// How many signals were refused since the last one, since the owner did not take them.
        dropped: u64,
    },
    /// How often which parameters were sent, of a key that the room counts.
    Counts {
        /// The key that was called.
        key: String,
        /// Parameters and how often they were sent, the most frequent first, never 0.
        counts: Vec<(String, u64)>,
        /// How often other parameters were sent, which were too many to be counted apart.
        other: u64,
    },
}

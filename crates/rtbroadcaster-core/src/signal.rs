//! What viewers say to the owner of their room, as the owner gets it.
//! Must not know who said it, nor how it was counted.

/// What viewers say to the owner of their room, see `Signals::recv`.
///
/// Parameters are the text of a JSON array, as the viewer wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// One viewer said this.
    Single {
        /// What it calls.
        key: String,
        /// With which parameters.
        params: String,
        /// Which viewer of the room it is: a random number below 2^52. It is the same over all connections of a viewer that
        /// shows the key that it was given, and of others nobody has it.
        from: u64,
        /// How many signals were refused since the last one that the owner got, since it did not take them.
        dropped: u64,
    },
    /// How often which parameters were said, of a key that the room counts.
    Counts {
        /// What was called.
        key: String,
        /// Parameters and how often they were said, the most frequent first, never 0.
        counts: Vec<(String, u64)>,
        /// How often others were said that could not be told apart any more, since there were too many.
        other: u64,
    },
}

//! What viewers send to the owner of their room.
//! Must not know who sent it, nor how it was counted.

use crate::message::{Key, Params};

/// What viewers send to the owner of their room: an item of `Signals`, in the process of the server and over the network.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// One viewer sent this.
    Single {
        /// What it calls.
        key: Key,
        /// With which parameters, as the viewer wrote them.
        params: Params,
        /// The number of the viewer in the room, a random one below 2^52. It is the same over all connections of a viewer that
        /// shows the key that it was given, and no other viewer has it. `None` if the server does not tell it.
        from: Option<u64>,
        /// How many signals the server refused since the last one that the owner got, because the owner did not take them.
        dropped: u64,
    },
    /// How often viewers sent which parameters with a key that the room counts, since the room was created or its owner cleared
    /// the key.
    Counts {
        /// What they call.
        key: Key,
        /// Parameters, and how often they were sent, never 0; the most frequent first.
        counts: Vec<(Params, u64)>,
        /// How often others were sent that the server does not tell apart any more, because there are too many.
        other: u64,
    },
}

/// What a signal takes besides its texts while it waits, and each of its counts.
const SIGNAL_BYTES: usize = 128;

impl Signal {
    /// Returns the bytes that it takes while it waits.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Single { key, params, .. } => SIGNAL_BYTES + key.as_str().len() + params.as_bytes().len(),
            Self::Counts { key, counts, .. } => {
                let counts = counts.iter().map(|(params, _)| SIGNAL_BYTES + params.as_bytes().len());
                SIGNAL_BYTES + key.as_str().len() + counts.sum::<usize>()
            }
        }
    }
}

//! The payload of a ping or pong, whose type proves that it fits a control frame.
//! Must not know frames.

use std::ops::Deref;

/// The payload of a ping or pong: never more than 125 bytes (RFC 6455 section 5.5). An empty one holds no heap.
///
/// ```
/// use rtbroadcaster_core::wire::Control;
///
/// assert_eq!(*Control::of(7_u16.to_be_bytes()), [0, 7]);
/// assert!(Control::new(&[0; 126]).is_none(), "no control frame carries this");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Control(
    /// The unmasked bytes: two words on the stack, where 125 inline bytes would fatten every `Incoming`.
    Box<[u8]>,
);

impl Control {
    /// The most bytes a control frame carries (RFC 6455 section 5.5).
    pub const BYTES_MAX: usize = 125;

    /// Copies a payload; `None` when it is over [`Self::BYTES_MAX`].
    pub fn new(payload: &[u8]) -> Option<Self> {
        (payload.len() <= Self::BYTES_MAX).then(|| Self(payload.into()))
    }

    /// Copies a payload of a length known at compile time; one over [`Self::BYTES_MAX`] does not compile.
    pub fn of<const N: usize>(payload: [u8; N]) -> Self {
        const { assert!(N <= Self::BYTES_MAX, "a control frame carries at most 125 bytes") };
        Self(Box::new(payload))
    }

    /// Takes the payload of a control frame, whose header has limited the length.
    pub(super) fn received(payload: Vec<u8>) -> Self {
        debug_assert!(payload.len() <= Self::BYTES_MAX);
        Self(payload.into_boxed_slice())
    }
}

impl Deref for Control {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

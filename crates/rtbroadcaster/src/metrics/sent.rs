//! What sockets took.
//! Must not know who wrote it, nor that it is counted.

use std::iter::Sum;
use std::ops::Add;

/// What a socket took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Frames of which the last byte is out.
    pub(crate) frames: usize,
    /// Bytes, also of frames that are half out.
    pub(crate) bytes: usize,
}

impl Add for Sent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { frames: self.frames + other.frames, bytes: self.bytes + other.bytes }
    }
}

impl Sum for Sent {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Self::add)
    }
}

//! The frames and bytes that sockets took.
//! Must not know the writers, nor that it is counted.

use std::iter::Sum;
use std::ops::Add;

/// The frames and bytes that a socket took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The frames of which the last byte is written.
    pub(crate) frames: usize,
    /// The bytes, also of frames that are half written.
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

//! The ways in which a peer breaks the framing, and the close reason of each. Must not know how they are found.

use crate::close::CloseReason;

/// A breach of the framing by the peer. The connection ends with [`Violation::reason`]; nothing after the breach is
/// read.
///
/// ```
/// use rtbroadcaster_core::{close::CloseReason, wire::Violation};
///
/// assert_eq!(Violation::Unmasked.reason(), CloseReason::Framing);
/// assert_ne!(Violation::TooBig.reason(), CloseReason::Framing);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A client frame without a mask (RFC 6455 section 5.1).
    #[error("a client frame is not masked")]
    Unmasked,
    /// A reserved bit is set and no extension was agreed on (RFC 6455 section 5.2).
    #[error("a reserved bit is set without an extension")]
    ReservedBit,
    /// An opcode that RFC 6455 section 5.2 reserves.
    #[error("the opcode is reserved")]
    ReservedOpcode,
    /// A control frame over 125 bytes (RFC 6455 section 5.5).
    #[error("a control frame is over 125 bytes")]
    ControlTooLong,
    /// A control frame without FIN (RFC 6455 section 5.5).
    #[error("a control frame is fragmented")]
    ControlFragmented,
    /// A continuation frame while no message is open (RFC 6455 section 5.4).
    #[error("a continuation continues nothing")]
    ContinuationWithoutStart,
    /// A text or binary frame while a message is open (RFC 6455 section 5.4).
    #[error("a message starts inside a fragmented one")]
    DataInsideMessage,
    /// A length in more bytes than it needs (RFC 6455 section 5.2).
    #[error("the length is not in its shortest form")]
    LengthNotMinimal,
    /// A length of 2^63 or more (RFC 6455 section 5.2).
    #[error("the length has its highest bit set")]
    LengthOutOfRange,
    /// A close frame with half a code (RFC 6455 section 5.5.1).
    #[error("the body of a close frame has one byte")]
    CloseBodyOfOneByte,
    /// A close code that no endpoint may send (RFC 6455 section 7.4).
    #[error("the close code must not be sent")]
    CloseCode,
    /// A binary frame; only text is spoken here.
    #[error("binary frames are not spoken here")]
    Binary,
    /// Text, or the reason in a close frame, that is not UTF-8 (RFC 6455 section 8.1).
    #[error("text is not UTF-8")]
    NotUtf8,
    /// A message over [`message_bytes_max`](super::DecoderLimits::message_bytes_max).
    #[error("the message is over the size limit")]
    TooBig,
    /// A message of more than [`fragments_max`](super::DecoderLimits::fragments_max) frames.
    #[error("the message has too many fragments")]
    TooManyFragments,
}

impl Violation {
    /// Returns the close reason.
    pub const fn reason(self) -> CloseReason {
        match self {
            Self::Unmasked
            | Self::ReservedBit
            | Self::ReservedOpcode
            | Self::ControlTooLong
            | Self::ControlFragmented
            | Self::ContinuationWithoutStart
            | Self::DataInsideMessage
            | Self::LengthNotMinimal
            | Self::LengthOutOfRange
            | Self::CloseBodyOfOneByte
            | Self::CloseCode => CloseReason::Framing,
            Self::Binary => CloseReason::Binary,
            Self::NotUtf8 => CloseReason::NotUtf8,
            Self::TooBig => CloseReason::TooBig,
            Self::TooManyFragments => CloseReason::RuleBroken,
        }
    }
}

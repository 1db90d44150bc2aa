//! The reasons why a request is refused, their texts in both protocols, and the limit on refusals in a row.
//! Must not know rooms.

mod refused;
mod verbs;

use std::time::Duration;

use crate::close::CloseReason;
pub use refused::Refused;
pub use verbs::{CreateError, JoinError, OwnError, PublishError, SignalError};

/// Why a request is refused. The connection stays open, within the patience of [`Strikes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No such room, or none this client may know of: both look the same.
    NoRoom,
    /// Only the room's owner may do this.
    NotOwner,
    /// A client is in one room at a time.
    AlreadyInRoom,
    /// The message cannot be understood.
    BadMessage,
    /// The message is over the size limit.
    TooBig,
    /// The room has as many viewers as it may.
    RoomFull,
    /// The server, or the client's address, has as many rooms as it may.
    RoomLimit,
    /// There is a room of this name.
    Exists,
    /// The room's state cannot take another key or this many bytes.
    StateFull,
    /// The id was used for another message.
    IdReused,
    /// This is asked for too often.
    Rate,
    /// The server does not take this at the moment.
    Unavailable,
    /// The connection's rights do not cover this.
    Unauthorized,
}

/// One row of the table of refusals.
struct Row {
    /// The `code` of an `error`.
    code: &'static str,
    /// The text in a classic client's `status.text`.
    text: &'static str,
    /// The `message` of an `error`, for a human.
    message: &'static str,
    /// After which time a retry may help.
    retry: Option<Duration>,
    /// The close reason when it is one too many; `None` for refusals that are not the client's mistake.
    strike: Option<CloseReason>,
}

impl Refusal {
    /// Every refusal, in the order of PROTOCOL.md.
    pub const ALL: [Refusal; 13] = [
        Self::BadMessage,
        Self::TooBig,
        Self::NoRoom,
        Self::NotOwner,
        Self::AlreadyInRoom,
        Self::RoomFull,
        Self::RoomLimit,
        Self::Exists,
        Self::StateFull,
        Self::IdReused,
        Self::Rate,
        Self::Unavailable,
        Self::Unauthorized,
    ];

    /// Returns the `code` of an `error`.
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// Returns the text in a classic client's `status.text`.
    pub const fn text(self) -> &'static str {
        self.row().text
    }

    /// Returns the `message` of an `error`: a sentence that echoes no input.
    pub const fn message(self) -> &'static str {
        self.row().message
    }

    /// Returns after which time a retry may help.
    pub const fn retry(self) -> Option<Duration> {
        self.row().retry
    }

    /// Returns the close reason when this refusal is one too many.
    pub const fn strike(self) -> Option<CloseReason> {
        self.row().strike
    }

    const fn row(self) -> Row {
        const SOON: Option<Duration> = Some(Duration::from_secs(1));
        const LATER: Option<Duration> = Some(Duration::from_secs(5));
        let (code, text, message, retry, strike) = match self {
            Self::BadMessage => {
                ("bad_message", "bad message", "the message cannot be understood", None, Some(CloseReason::BadMessage))
            }
            Self::TooBig => ("too_big", "bad message", "the message is over the size limit", None, None),
            Self::NoRoom => (
                "no_room",
                "room not found",
                "there is no such room, or this key is not its own",
                None,
                Some(CloseReason::NoRoom),
            ),
            Self::NotOwner => (
                "not_owner",
                "not the owner",
                "only the owner of a room may do this",
                None,
                Some(CloseReason::Forbidden),
            ),
            Self::AlreadyInRoom => {
                ("already_in_room", "already in a room", "a client is in one room at a time", None, None)
            }
            Self::RoomFull => ("room_full", "room full", "the room has as many viewers as it may", LATER, None),
            Self::RoomLimit => ("room_limit", "too many rooms", "there are as many rooms as there may be", LATER, None),
            Self::Exists => ("exists", "unavailable", "there is a room of this name", None, None),
            Self::StateFull => (
                "state_full",
                "state full",
                "the state of the room cannot take this key or this many bytes",
                None,
                None,
            ),
            Self::IdReused => ("id_reused", "bad message", "the id was used for another message", None, None),
            Self::Rate => ("rate", "unavailable", "this is asked for too often", SOON, None),
            Self::Unavailable => {
                ("unavailable", "unavailable", "the server does not take this at the moment", SOON, None)
            }
            Self::Unauthorized => {
                ("unauthorized", "room not found", "the rights of this connection do not cover this", None, None)
            }
        };
        Row { code, text, message, retry, strike }
    }
}

/// How many mistakes in a row a client may make before its connection ends.
const STRIKES_MAX: u8 = 3;

/// The mistakes of a client in a row.
#[derive(Debug, Default)]
pub struct Strikes {
    /// The number of mistakes since the last accepted message.
    row: u8,
}

impl Strikes {
    /// Notes that a message was accepted: the row ends.
    pub fn accepted(&mut self) {
        self.row = 0;
    }

    /// Counts a message that was refused. Returns how to close the connection after the third mistake in a row.
    pub fn refused(&mut self, refusal: Refusal) -> Option<CloseReason> {
        let reason = refusal.strike()?;
        self.row += 1;
        (self.row >= STRIKES_MAX).then_some(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays refusals (`None`: an accepted message) and gives the end, if it comes.
    fn check(row: &[Option<Refusal>], expected: Option<CloseReason>) {
        let mut strikes = Strikes::default();
        let end = row.iter().find_map(|step| match step {
            Some(refusal) => strikes.refused(*refusal),
            None => {
                strikes.accepted();
                None
            }
        });
        assert_eq!(end, expected, "{row:?}");
    }

    #[test]
    fn the_third_mistake_in_a_row_ends_the_connection_with_its_own_code() {
        use Refusal::{AlreadyInRoom, BadMessage, NoRoom, NotOwner, RoomFull, StateFull};
        check(&[Some(BadMessage), Some(BadMessage)], None);
        check(&[Some(BadMessage), Some(BadMessage), Some(BadMessage)], Some(CloseReason::BadMessage));
        check(&[Some(BadMessage), Some(NotOwner), Some(NoRoom)], Some(CloseReason::NoRoom));
        check(&[Some(NoRoom), Some(BadMessage), Some(NotOwner)], Some(CloseReason::Forbidden));
        check(&[Some(BadMessage), Some(BadMessage), None, Some(BadMessage), Some(BadMessage)], None);
        check(&[Some(NoRoom), Some(RoomFull), Some(NoRoom), Some(AlreadyInRoom), Some(StateFull)], None);
        check(&[Some(NoRoom), Some(RoomFull), Some(NoRoom), Some(RoomFull), Some(NoRoom)], Some(CloseReason::NoRoom));
    }
}

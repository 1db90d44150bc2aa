//! Why a request is refused, and when refusals become too many.
//! Must not know how a protocol words them to the client's rooms.

use crate::close::CloseReason;

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
    /// The room has as many viewers as it may.
    RoomFull,
    /// The server, or the client's address, has as many rooms as it may.
    RoomLimit,
    /// The room's state cannot take another key or this many bytes.
    StateFull,
    /// The server does not take this at the moment.
    Unavailable,
}

impl Refusal {
    /// The text in a classic client's `status.text`.
    pub const fn text(self) -> &'static str {
        match self {
            Refusal::NoRoom => "room not found",
            Refusal::NotOwner => "not the owner",
            Refusal::AlreadyInRoom => "already in a room",
            Refusal::BadMessage => "bad message",
            Refusal::RoomFull => "room full",
            Refusal::RoomLimit => "too many rooms",
            Refusal::StateFull => "state full",
            Refusal::Unavailable => "unavailable",
        }
    }

    /// How the connection ends when this refusal is one too many; `None` for refusals that are nobody's mistake.
    const fn strike(self) -> Option<CloseReason> {
        match self {
            Refusal::BadMessage => Some(CloseReason::BadMessage),
            Refusal::NoRoom => Some(CloseReason::NoRoom),
            Refusal::NotOwner => Some(CloseReason::Forbidden),
            _ => None,
        }
    }
}

/// How many mistakes in a row a client may make before its connection ends.
const STRIKES_MAX: u8 = 3;

/// The row of mistakes a client is in.
#[derive(Debug, Default)]
pub struct Strikes {
    /// How many since the last accepted message.
    row: u8,
}

impl Strikes {
    /// A message was accepted: the row ends.
    pub fn accepted(&mut self) {
        self.row = 0;
    }

    /// A message was refused. The third mistake in a row says how to close the connection.
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

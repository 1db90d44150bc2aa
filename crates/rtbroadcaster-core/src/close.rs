//! The one table of close reasons: the close code, whether the client should reconnect, and the word in the close
//! frame.
//! Must not know clients; every close frame this crate sends takes its code and word from here.

/// The code where no close frame came: the connection was lost (RFC 6455 section 7.4.1). No close frame carries it.
pub const LOST: u16 = 1006;

/// Why a connection ends, with the close code that the peer gets (RFC 6455 section 7.4).
///
/// ```
/// use rtbroadcaster::CloseReason;
///
/// assert_eq!(CloseReason::Slow.code(), 4008);
/// assert!(CloseReason::Slow.comes_back(), "a slow viewer may resume");
/// assert!(!CloseReason::Framing.comes_back(), "a broken client would only break again");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// Nothing is left to send.
    Done,
    /// The viewer has left.
    Left,
    /// The owner has closed its room; its viewers get [`RoomClosed`](Self::RoomClosed).
    OwnRoomClosed,
    /// The server goes away.
    ServerGone,
    /// The peer broke RFC 6455 framing.
    Framing,
    /// The peer sent a binary frame; only text is spoken here.
    Binary,
    /// The peer sent text that is not UTF-8.
    NotUtf8,
    /// The peer broke a rule of conduct, such as the number of fragments of one message.
    RuleBroken,
    /// The peer sent a message over `message_bytes_max`.
    TooBig,
    /// Our own fault.
    Fault,
    /// The server restarts.
    Restart,
    /// The server has no room for this connection at the moment.
    TryLater,
    /// The token that admitted the client has expired.
    TokenExpired,
    /// The client did not take its messages within the limits.
    Slow,
    /// The peer fell silent: no pong, no message.
    NoPong,
    /// The room's log cannot take messages at the moment.
    Unavailable,
    /// The client sent too many requests in too little time.
    Rate,
    /// The client may not enter.
    Unauthorized,
    /// Three bad messages in a row.
    BadMessage,
    /// No valid first message, or no room, in time.
    NothingValid,
    /// The room has ended.
    RoomClosed,
    /// Three attempts in a row at what only an owner may do.
    Forbidden,
    /// Another owner took the room over.
    Fenced,
    /// Three joins in a row of rooms that do not exist.
    NoRoom,
}

impl CloseReason {
    /// Every reason, in the order of their codes.
    pub const ALL: [CloseReason; 24] = [
        Self::Done,
        Self::Left,
        Self::OwnRoomClosed,
        Self::ServerGone,
        Self::Framing,
        Self::Binary,
        Self::NotUtf8,
        Self::RuleBroken,
        Self::TooBig,
        Self::Fault,
        Self::Restart,
        Self::TryLater,
        Self::TokenExpired,
        Self::Slow,
        Self::NoPong,
        Self::Unavailable,
        Self::Rate,
        Self::Unauthorized,
        Self::BadMessage,
        Self::NothingValid,
        Self::RoomClosed,
        Self::Forbidden,
        Self::Fenced,
        Self::NoRoom,
    ];

    /// Returns the status code of the close frame: RFC 6455 section 7.4.1 below 4000, this protocol's own from there.
    pub const fn code(self) -> u16 {
        self.row().0
    }

    /// Returns whether a client should reconnect: not after 4500 to 4999, and not after its own mistakes.
    pub const fn comes_back(self) -> bool {
        self.row().1
    }

    /// Returns the reason in the close frame: one lower-case word that echoes no input.
    pub const fn word(self) -> &'static str {
        self.row().2
    }

    const fn row(self) -> (u16, bool, &'static str) {
        match self {
            Self::Done => (1000, false, "done"),
            Self::Left => (1000, false, "left"),
            Self::OwnRoomClosed => (1000, false, "room_closed"),
            Self::ServerGone => (1001, true, "gone"),
            Self::Framing => (1002, false, "framing"),
            Self::Binary => (1003, false, "binary"),
            Self::NotUtf8 => (1007, false, "utf8"),
            Self::RuleBroken => (1008, false, "rule"),
            Self::TooBig => (1009, false, "size"),
            Self::Fault => (1011, true, "fault"),
            Self::Restart => (1012, true, "restart"),
            Self::TryLater => (1013, true, "later"),
            Self::TokenExpired => (4005, true, "expired"),
            Self::Slow => (4008, true, "slow"),
            Self::NoPong => (4012, true, "silent"),
            Self::Unavailable => (4013, true, "unavailable"),
            Self::Rate => (4029, true, "rate"),
            Self::Unauthorized => (4500, false, "unauthorized"),
            Self::BadMessage => (4501, false, "bad_message"),
            Self::NothingValid => (4502, false, "idle"),
            Self::RoomClosed => (4503, false, "room_closed"),
            Self::Forbidden => (4507, false, "not_owner"),
            Self::Fenced => (4509, false, "fenced"),
            Self::NoRoom => (4510, false, "no_room"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_code_and_a_word_that_fits_a_close_frame() {
        let told: Vec<_> = CloseReason::ALL.iter().map(|reason| (reason.code(), reason.word())).collect();
        let mut sorted = told.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert!(told.is_sorted_by_key(|(code, _)| code), "the table is in the order of the codes");
        assert_eq!(sorted.len(), told.len(), "the table is without repetition");
        for reason in CloseReason::ALL {
            assert!(reason.word().len() <= 123, "RFC 6455 section 5.5: a control frame carries at most 125 bytes");
            assert!(
                reason.word().bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            );
        }
    }

    #[test]
    fn the_code_alone_says_whether_to_come_back() {
        for reason in CloseReason::ALL {
            let by_code = matches!(reason.code(), 1001 | 1005 | 1006 | 1011 | 1012 | 1013 | 4000..=4499);
            assert_eq!(reason.comes_back(), by_code, "{reason:?}");
        }
    }
}

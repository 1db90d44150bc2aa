//! How a connection ended, and whether its client reconnects. Must not know connections.

use std::sync::Arc;

use crate::close::{CloseReason, LOST};

/// The longest word that a close frame can hold (RFC 6455 section 5.5).
const WORD_BYTES_MAX: usize = 123;

/// How a connection ended. The close code alone decides whether a client reconnects, see PROTOCOL.md section 4. The one
/// exception is a code 1000 without a `closed` frame before it: a proxy closes like that, and the client reconnects.
///
/// If no close frame came, the code is 1006 and the reason is one of
/// - `lost`, `silent` (no frame came for two heartbeats, or no answer came in time);
/// - `behind` (messages are missing that the server had announced), `protocol` (the server broke the protocol);
/// - `limit` (the server sent more than a limit allows, and would do so again: final);
/// - `moment` (the server shuts down and has sent the time to reconnect);
/// - `tls` (the server could not prove its identity), or `http_` with the status that refused the upgrade.
///
/// ```
/// use rtbroadcaster::remote::Closing;
///
/// assert!(Closing::with(1012, "restart").comes_back());
/// assert!(!Closing::with(4509, "fenced").comes_back(), "another owner has the room");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the connection was closed with {code} ({reason})")]
pub struct Closing {
    /// The close code.
    code: u16,
    /// One word.
    reason: Arc<str>,
    /// Whether the client reconnects.
    comes_back: bool,
    /// Why the room has ended, if it has.
    why: Option<Arc<str>>,
}

impl Closing {
    /// Returns the end that a close frame with this code and this reason means. A reason that is no word of lower-case
    /// letters, digits and `_` is dropped, because a program may show it on a terminal.
    pub fn with(code: u16, reason: &str) -> Self {
        Self { code, reason: word(reason).into(), comes_back: comes_back_after(code), why: None }
    }

    /// Returns the end of a connection without a close frame, for this reason.
    pub fn lost(reason: &str) -> Self {
        Self::with(LOST, reason)
    }

    /// Returns the same end, after which the client does not reconnect.
    pub fn for_good(self) -> Self {
        Self { comes_back: false, ..self }
    }

    /// Returns the same end, after which the client reconnects.
    pub fn not_for_good(self) -> Self {
        Self { comes_back: true, ..self }
    }

    /// Returns the end by this close code and its word.
    pub fn of(reason: CloseReason) -> Self {
        Self::with(reason.code(), reason.word())
    }

    /// Returns whether no close frame came.
    pub fn is_lost(&self) -> bool {
        self.code == LOST
    }

    /// Returns the same end with the reason why the room has ended; an empty one is none.
    pub fn because(self, why: &str) -> Self {
        let why = word(why);
        Self { why: (!why.is_empty()).then(|| why.into()), ..self }
    }

    /// Returns the close code; 1006 if no close frame came.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Returns the reason, one word of PROTOCOL.md section 4 or of those above; empty if the server gave none.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns why the room has ended, if it has and the server sends it: `owner` (its owner closed it), `grace` (the
    /// owner was away for too long), `idle` (the room was empty, or the server needed its place), `admin`, `fault` or
    /// `restart`.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Returns whether a client reconnects after this end. If it is true of a client that is closed, patience has
    /// ended.
    pub fn comes_back(&self) -> bool {
        self.comes_back
    }
}

/// Returns `text` if it is a word of lower-case letters, digits and `_` as in PROTOCOL.md, and an empty text otherwise.
/// The text comes from a server, and a program may show it on a terminal.
pub fn word(text: &str) -> &str {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if text.len() <= WORD_BYTES_MAX && text.bytes().all(is_letter) { text } else { "" }
}

/// Returns whether a client reconnects after this code, also for codes that this version does not know.
fn comes_back_after(code: u16) -> bool {
    // 1014 and 1015 come from proxies (RFC 6455 has 1015, IANA's registry 1014).
    matches!(code, 1001 | 1005 | LOST | 1011..=1015 | 4000..=4499)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_close_code_of_the_table_says_whether_to_come_back() {
        for reason in CloseReason::ALL {
            let closing = Closing::with(reason.code(), reason.word());
            assert_eq!(closing.comes_back(), reason.comes_back(), "{reason:?}");
            assert_eq!((closing.code(), closing.reason()), (reason.code(), reason.word()));
        }
        for (code, comes_back) in [1005, 1006, 1014, 1015, 4499]
            .map(|code| (code, true))
            .into_iter()
            .chain([1010, 3000, 4999].map(|code| (code, false)))
        {
            assert_eq!(Closing::with(code, "").comes_back(), comes_back, "{code}");
        }
    }

    #[test]
    fn the_end_of_a_room_says_why_in_one_word() {
        let ended = |why| Closing::with(4503, "room_closed").because(why);
        assert_eq!([ended("grace").why(), ended("").why(), ended("\u{1b}[2J").why()], [Some("grace"), None, None]);
    }

    #[test]
    fn a_reason_that_could_trouble_a_terminal_is_left_out() {
        for reason in ["\u{1b}[2J", "Two Words", &"a".repeat(124)] {
            assert_eq!(Closing::with(1000, reason).reason(), "");
        }
    }
}

//! How a connection ended, and whether its client comes back. Must not know connections.

use std::sync::Arc;

use crate::close::{CloseReason, LOST};

/// The longest word that a close frame can hold (RFC 6455 section 5.5).
const WORD_BYTES_MAX: usize = 123;

/// How a connection ended. The close code alone says whether a client comes back, see PROTOCOL.md section 4; but for a bare
/// 1000, before which no server has said that everything is said: a proxy closes like that, and the client comes back.
///
/// Where no close frame came the code is 1006 and the reason one of
/// - `lost`, `silent` (nothing was heard for two heartbeats, or no answer came in time);
/// - `behind` (messages did not come that should have), `protocol` (what came makes no sense);
/// - `limit` (the server sent more than a [limit](super::Options#limits) allows, as it would again: final);
/// - `moment` (the server goes away and has told when to come back);
/// - `tls` (the server could not prove who it is), or `http_` with the status that refused it.
///
/// ```
/// use rtbroadcaster::remote::Closing;
///
/// assert!(Closing::with(1012, "restart").comes_back());
/// assert!(!Closing::with(4509, "fenced").comes_back(), "somebody else speaks now");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the connection was closed with {code} ({reason})")]
pub struct Closing {
    /// The close code.
    code: u16,
    /// One word.
    reason: Arc<str>,
    /// Whether it is worth trying again.
    comes_back: bool,
    /// Why the room has ended.
    why: Option<Arc<str>>,
}

impl Closing {
    /// What a close frame with this code and this reason means. A reason that is no word of lower-case letters, digits
    /// and `_` is left out: it may be shown on a terminal.
    pub fn with(code: u16, reason: &str) -> Self {
        Self { code, reason: word(reason).into(), comes_back: comes_back_after(code), why: None }
    }

    /// The connection was lost, or given up for this reason.
    pub fn lost(reason: &str) -> Self {
        Self::with(LOST, reason)
    }

    /// Trying again brings the same.
    pub fn for_good(self) -> Self {
        Self { comes_back: false, ..self }
    }

    /// Trying again may bring more: nobody has said that everything is said.
    pub fn not_for_good(self) -> Self {
        Self { comes_back: true, ..self }
    }

    /// It was closed for this reason.
    pub fn of(reason: CloseReason) -> Self {
        Self::with(reason.code(), reason.word())
    }

    /// Whether no close frame came.
    pub fn is_lost(&self) -> bool {
        self.code == LOST
    }

    /// The room has ended for this reason, which may be empty.
    pub fn because(self, why: &str) -> Self {
        let why = word(why);
        Self { why: (!why.is_empty()).then(|| why.into()), ..self }
    }

    /// The close code; 1006 where no close frame came.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The reason, one word of PROTOCOL.md section 4 or of those above; empty where the server gave none.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Why the room has ended, if it has and the server tells it: `owner` (its owner closed it), `grace` (the owner was away
    /// for too long), `idle` (nobody was there, or its place was needed), `admin`, `fault` or `restart`.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Whether trying again may bring more. Where this is said of what is over, patience has ended.
    pub fn comes_back(&self) -> bool {
        self.comes_back
    }
}

/// Returns `text` if it is a word of lower-case letters, digits and `_` as PROTOCOL.md has them, else nothing: it comes from
/// a server, and may be shown on a terminal.
pub fn word(text: &str) -> &str {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if text.len() <= WORD_BYTES_MAX && text.bytes().all(is_letter) { text } else { "" }
}

/// Whether a client comes back after this code, known or not.
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

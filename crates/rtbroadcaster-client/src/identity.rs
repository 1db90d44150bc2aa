//! Who a viewer is for the server: a number, and the key that proves it. Must not know connections.

use std::fmt;
use std::str::FromStr;

/// The longest key that a server gives.
const KEY_BYTES_MAX: usize = 64;

/// A viewer's number in its room, and the key by which it gets the same number again: after a cut, from another program, on
/// another node of the same servers. Connections with one number are one person to the room, for votes and for its audience.
///
/// It is no account: whoever has the key has the number, and a program that forgets the key is another viewer. Its text, which
/// [`Display`](fmt::Display) writes and [`FromStr`] reads, is the key: keep it where only the program can read it.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    number: Option<u64>,
    key: Box<str>,
}

impl Identity {
    /// Returns an identity whose key can be one.
    pub(super) fn new(number: Option<u64>, key: &str) -> Option<Self> {
        let is_one = (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        is_one.then(|| Self { number, key: key.into() })
    }

    /// The number, which an owner is told as [`from`](super::Signal::Single); `None` before a server has told it.
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// The key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

/// A text that is no viewer's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a viewer's key has 1 to {KEY_BYTES_MAX} printable ASCII characters")]
pub struct InvalidIdentity;

impl FromStr for Identity {
    type Err = InvalidIdentity;

    fn from_str(key: &str) -> Result<Self, InvalidIdentity> {
        Self::new(None, key).ok_or(InvalidIdentity)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

impl fmt::Debug for Identity {
    /// The number only: the key belongs in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({:?})", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_short_word_and_stands_in_no_log() {
        let identity: Identity = "3141-abc".parse().unwrap();
        assert_eq!((identity.to_string(), identity.number()), ("3141-abc".into(), None));
        assert_eq!(format!("{:?}", Identity::new(Some(7), "secret").unwrap()), "Identity(Some(7))");
        for text in ["", "two words", "\u{1b}[2J", "ä", &"k".repeat(65)] {
            assert_eq!(text.parse::<Identity>(), Err(InvalidIdentity), "{text:?}");
        }
    }
}

//! The owner key of a room, and its hash.
//! Must not know rooms. A room keeps the hash only, and compares in constant time.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::random::{self, Random};

/// How many characters a key has.
const CHARACTERS: usize = 64;

/// The right to own one room, as text: 64 hexadecimal digits, 256 random bits.
///
/// A room gives its key once, to its first owner, and keeps a SHA-256 of it: the key is random, so it needs no slow
/// hash. Any client that has the key can take the room over, so it belongs in no log and no address.
///
/// ```
/// use rtbroadcaster::OwnerKey;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let owner = rtbroadcaster::Manager::new(Default::default()).create_room().await?;
/// let key = owner.key();
/// assert_eq!(key.as_str().parse::<OwnerKey>().as_ref(), Ok(key));
/// assert_eq!(format!("{key:?}"), "OwnerKey(…)");
/// assert!("guess".parse::<OwnerKey>().is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct OwnerKey(Box<str>);

impl OwnerKey {
    /// Draws a new key.
    pub fn random(source: &dyn Random) -> Self {
        let [high, low] = [random::bytes(source), random::bytes(source)].map(u128::from_le_bytes);
        Self(format!("{high:032x}{low:032x}").into())
    }

    /// Returns the text to keep.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OwnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnerKey(…)")
    }
}

/// The text is no owner key: 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an owner key: expected {CHARACTERS} lower-case hexadecimal digits")]
pub struct InvalidOwnerKey;

impl FromStr for OwnerKey {
    type Err = InvalidOwnerKey;

    fn from_str(text: &str) -> Result<Self, InvalidOwnerKey> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_key = text.len() == CHARACTERS && text.bytes().all(is_digit);
        if is_key { Ok(Self(text.into())) } else { Err(InvalidOwnerKey) }
    }
}

/// The hash of an owner key, which is all that a room knows of it.
#[derive(Debug, Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Returns the bytes to store.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Returns the hash of stored bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the hash of `key`.
    pub fn of(key: &OwnerKey) -> Self {
        Self(Sha256::digest(key.0.as_bytes()).into())
    }

    /// Returns whether both are the same, in a time that does not depend on how much of it is right.
    pub fn fits(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SEEDED;

    #[test]
    fn a_hash_fits_its_own_key_only() {
        let (key, other) = (OwnerKey::random(&SEEDED), OwnerKey::random(&SEEDED));
        assert_ne!(key, other);
        assert!(KeyHash::of(&key).fits(&KeyHash::of(&key)));
        assert!(!KeyHash::of(&key).fits(&KeyHash::of(&other)));
    }

    #[test]
    fn a_key_has_one_form() {
        let key = OwnerKey::random(&SEEDED);
        assert_eq!(key.as_str().parse(), Ok(key.clone()));
        let wrong = ["", "00", &key.as_str()[1..], &format!("{}0", key.as_str()), &"G".repeat(CHARACTERS)];
        for text in wrong {
            assert_eq!(text.parse::<OwnerKey>(), Err(InvalidOwnerKey), "{text}");
        }
    }
}

//! The identity of a viewer: its number in a room, the key that proves the number, and the secret that makes keys.
//! Must not know rooms, nor where a secret is kept.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::str::FromStr;

use crate::id::Numbering;
use crate::random::{self, Random};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The random bits of a number: JavaScript holds it exactly.
const NUMBER_BITS: u32 = 52;

/// The bytes of a key's code, which is the front of an HMAC-SHA256 (RFC 2104 section 5 allows half of it).
const CODE_BYTES: usize = 16;

/// The hexadecimal digits of a number, and of a key: a number and its code.
const NUMBER_DIGITS: usize = 13;
const KEY_DIGITS: usize = NUMBER_DIGITS + 2 * CODE_BYTES;

/// The purpose that the code of a viewer's key covers: another purpose would give other codes.
const PURPOSE: &[u8] = b"rtbroadcaster viewer\0";

/// The number of a viewer in its room: 52 random bits, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ViewerNumber(u64);

impl ViewerNumber {
    /// Draws the number of a new viewer.
    pub fn random(source: &dyn Random) -> Self {
        Self((u64::from_le_bytes(random::bytes(source)) >> (u64::BITS - NUMBER_BITS)).max(1))
    }

    /// Returns the number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the number of a viewer that is known already.
    pub const fn of(number: u64) -> Self {
        Self(number)
    }
}

/// The hasher of viewers' numbers. Servers draw the numbers and a code proves them, so a client cannot choose
/// collisions.
#[derive(Debug, Default)]
pub struct NumberHasher(u64);

/// The hashing of tables whose keys are numbers of viewers.
pub type BuildNumberHasher = BuildHasherDefault<NumberHasher>;

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        // By 2^64 over the golden ratio: a table takes the bucket from the low bits and compares the top seven first,
        // which are 0 in a number.
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The key by which a viewer has its number again: 45 hexadecimal digits, the number and its code. It belongs in no
/// log.
#[derive(Clone, Copy)]
pub struct ViewerKey {
    number: ViewerNumber,
    code: [u8; CODE_BYTES],
}

impl ViewerKey {
    /// Reads the text of a key, or returns `None` for any other text. It does not check the code.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != KEY_DIGITS || !text.bytes().all(is_digit) {
            return None;
        }
        let (number, code) = text.split_at(NUMBER_DIGITS);
        let number = u64::from_str_radix(number, 16).ok()?;
        let code = u128::from_str_radix(code, 16).ok()?.to_be_bytes();
        (number > 0).then_some(Self { number: ViewerNumber(number), code })
    }

    /// Returns the number that the key names.
    pub fn number(&self) -> ViewerNumber {
        self.number
    }
}

impl fmt::Display for ViewerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0NUMBER_DIGITS$x}{:032x}", self.number.0, u128::from_be_bytes(self.code))
    }
}

impl fmt::Debug for ViewerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ViewerKey(…)")
    }
}

/// The secret of an installation, by which it recognizes the viewers of its rooms: 64 hexadecimal digits.
///
/// All servers of one installation have the same. A program that knows it can take the number of any viewer, so it
/// belongs in no log and no address. The number of a viewer is no account and protects nothing.
///
/// ```
/// use rtbroadcaster::{Config, InvalidSecret, Manager, OsRandom, Secret};
///
/// let secret: Secret = "0f".repeat(32).parse()?;
/// let manager = Manager::new(Config { secret: Some(secret.clone()), ..Config::default() });
/// assert_eq!(format!("{:?}", manager.config().secret), "Some(Secret(…))");
/// assert_ne!(Secret::random(&OsRandom), secret);
/// assert_eq!("0f".parse::<Secret>(), Err(InvalidSecret));
/// # Ok::<(), InvalidSecret>(())
/// ```
#[derive(Clone)]
pub struct Secret([u8; Self::BYTES]);

impl Secret {
    const BYTES: usize = 32;

    /// Draws a new secret: 256 random bits.
    pub fn random(source: &dyn Random) -> Self {
        Self(random::bytes(source))
    }

    /// Returns the text to keep.
    pub fn digits(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl PartialEq for Secret {
    /// Compares in a time that does not depend on how much is the same.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The text is no secret: 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a secret: expected 64 hexadecimal digits")]
pub struct InvalidSecret;

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        if text.len() != 2 * Self::BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidSecret);
        }
        let mut bytes = [0; Self::BYTES];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|_| InvalidSecret)?;
        }
        Ok(Self(bytes))
    }
}

/// The maker and checker of viewers' keys. It stores none of them.
#[derive(Clone)]
pub struct Keys(Hmac<Sha256>);

impl Keys {
    /// Returns the maker of keys of an installation.
    pub fn of(secret: &Secret) -> Self {
        Self(Hmac::new_from_slice(&secret.0).expect("HMAC takes a key of any length"))
    }

    /// Returns the key of the viewer `number` in the room of this numbering.
    pub fn key(&self, numbering: Numbering, number: ViewerNumber) -> ViewerKey {
        let mut code = [0; CODE_BYTES];
        code.copy_from_slice(&self.codes(numbering, number).finalize().into_bytes()[..CODE_BYTES]);
        ViewerKey { number, code }
    }

    /// Returns the number that `key` proves in the room of this numbering, if it does. The time that this takes does
    /// not depend on how much of the code is right.
    pub fn verify(&self, numbering: Numbering, key: &ViewerKey) -> Option<ViewerNumber> {
        self.codes(numbering, key.number).verify_truncated_left(&key.code).ok().map(|()| key.number)
    }

    /// Returns the HMAC of a key. Each part has a fixed length, so that no two rooms and numbers give the same text.
    fn codes(&self, numbering: Numbering, number: ViewerNumber) -> Hmac<Sha256> {
        self.0.clone().chain_update(PURPOSE).chain_update(numbering.to_bytes()).chain_update(number.0.to_be_bytes())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

#[cfg(test)]
mod tests;

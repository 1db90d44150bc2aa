//! Keys prove their own number in their own room, under their own secret, and nothing else.

use std::collections::HashSet;
use std::hash::BuildHasher;

use proptest::prelude::*;

use super::*;
use crate::random::SEEDED;

fn numbering(digits: &str) -> Numbering {
    Numbering::from_digits(digits).unwrap()
}

#[test]
fn a_key_proves_its_number_in_its_room_under_its_secret_only() {
    let (keys, others) = (Keys::of(&Secret::random(&SEEDED)), Keys::of(&Secret::random(&SEEDED)));
    let (room, other_room) = (Numbering::random(&SEEDED), Numbering::random(&SEEDED));
    let number = ViewerNumber::random(&SEEDED);
    let key = keys.key(room, number);
    assert_eq!(keys.verify(room, &key), Some(number));
    assert_eq!(keys.verify(other_room, &key), None, "another room");
    assert_eq!(others.verify(room, &key), None, "another secret");
    let stolen = ViewerKey { number: ViewerNumber::random(&SEEDED), ..key };
    assert_eq!(keys.verify(room, &stolen), None, "another number");
}

#[test]
fn a_key_with_any_digit_changed_proves_nothing() {
    let (keys, room) = (Keys::of(&Secret::random(&SEEDED)), Numbering::random(&SEEDED));
    let text = keys.key(room, ViewerNumber::random(&SEEDED)).to_string();
    for at in 0..text.len() {
        for digit in "0123456789abcdef".chars().filter(|digit| !text[at..].starts_with(*digit)) {
            let wrong = format!("{}{digit}{}", &text[..at], &text[at + 1..]);
            let proven = ViewerKey::parse(&wrong).and_then(|key| keys.verify(room, &key));
            assert_eq!(proven, None, "digit {at}");
        }
    }
}

#[test]
fn the_code_is_the_front_of_hmac_sha256_over_purpose_numbering_and_number() {
    // As the module `hmac` of Python has it: another implementation.
    let secret: Secret = "01".repeat(32).parse().unwrap();
    let key = Keys::of(&secret).key(numbering("00000000000000ff"), ViewerNumber(0x000f_edcb_a987_6543));
    let text = key.to_string();
    assert_eq!(&text[..13], "fedcba9876543");
    assert_eq!(&text[13..], "d4f053fa22000eef38385bc69a0cf7b5");
    assert_eq!(text.len(), 45, "at most 64 bytes may be a key");
}

#[test]
fn only_the_text_of_a_key_is_read() {
    let text =
        Keys::of(&Secret::random(&SEEDED)).key(Numbering::random(&SEEDED), ViewerNumber::random(&SEEDED)).to_string();
    assert_eq!(ViewerKey::parse(&text).map(|key| key.to_string()), Some(text.clone()));
    let long = format!("{text}0");
    let zero = format!("{}{}", "0".repeat(13), &text[13..]);
    let wide = "é".repeat(22) + "0";
    for wrong in ["", &text[1..], &long, &text.to_uppercase(), &zero, &text.replace('0', "+"), &wide, "-1"] {
        assert!(wrong == text || ViewerKey::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn neither_keys_nor_secrets_show_what_they_are() {
    let secret = Secret::random(&SEEDED);
    let key = Keys::of(&secret).key(Numbering::random(&SEEDED), ViewerNumber::random(&SEEDED));
    assert_eq!(format!("{secret:?} {key:?} {:?}", Keys::of(&secret)), "Secret(…) ViewerKey(…) Keys(…)");
}

#[test]
fn a_secret_has_64_digits() {
    let secret = Secret::random(&SEEDED);
    let digits = secret.digits();
    assert_eq!(digits.parse(), Ok(secret.clone()));
    assert_eq!(digits.to_uppercase().parse(), Ok(secret));
    let wide = "é".repeat(32);
    for wrong in
        ["", &digits[1..], &format!("{digits}\n"), &format!("{digits}00"), &"g".repeat(64), &wide, &"+1".repeat(32)]
    {
        assert_eq!(wrong.parse::<Secret>(), Err(InvalidSecret), "{wrong:?}");
    }
}

#[test]
fn drawn_numbers_are_those_of_javascript_and_differ() {
    let numbers: HashSet<_> = (0..10_000).map(|_| ViewerNumber::random(&SEEDED).get()).collect();
    assert_eq!(numbers.len(), 10_000);
    assert!(numbers.iter().all(|number| (1..1 << 52).contains(number)));
    // Each bit is set in about half of them.
    for bit in 0..52 {
        let set = numbers.iter().filter(|number| *number >> bit & 1 == 1).count();
        assert!((4_500..5_500).contains(&set), "bit {bit} is set in {set} of 10 000");
    }
}

proptest! {
    #[test]
    fn what_is_no_key_is_never_taken(text in "\\PC{0,70}") {
        let keys = Keys::of(&Secret::random(&SEEDED));
        let proven = ViewerKey::parse(&text).and_then(|key| keys.verify(Numbering::random(&SEEDED), &key));
        prop_assert_eq!(proven, None);
    }
}

#[test]
fn numbers_spread_over_the_ends_of_a_hash() {
    // A table takes its place from the low bits, and compares the top seven first.
    let hashes: Vec<_> =
        (0..10_000).map(|_| BuildNumberHasher::default().hash_one(ViewerNumber::random(&SEEDED))).collect();
    let ends: [fn(u64) -> u64; 2] = [|hash| hash & 0x7f, |hash| hash >> 57];
    for end in ends {
        let distinct: HashSet<_> = hashes.iter().map(|hash| end(*hash)).collect();
        assert_eq!(distinct.len(), 128);
    }
}

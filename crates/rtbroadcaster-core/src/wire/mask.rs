//! The mask of client frames (RFC 6455 section 5.3). Must not know frames.

/// Unmasks a part of a payload in place, and returns the mask for the bytes that follow it.
pub(super) fn unmask(part: &mut [u8], mask: [u8; 4]) -> [u8; 4] {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, tail) = part.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= key;
    }
    let mut next = mask;
    next.rotate_left(tail.len() % mask.len());
    next
}

#[cfg(test)]
mod tests {
    use super::unmask;

    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    #[test]
    fn the_example_of_rfc_6455_unmasks_to_hello() {
        let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        unmask(&mut payload, MASK);
        assert_eq!(&payload, b"Hello");
    }

    #[test]
    fn every_pair_of_parts_unmasks_like_the_byte_by_byte_definition() {
        for length in 0..40_usize {
            let plain: Vec<u8> = (0_u8..).take(length).collect();
            let masked: Vec<u8> = plain.iter().enumerate().map(|(i, byte)| byte ^ MASK[i % 4]).collect();
            for cut in 0..=length {
                let mut parts = masked.clone();
                let (first, second) = parts.split_at_mut(cut);
                let next = unmask(first, MASK);
                unmask(second, next);
                assert_eq!(parts, plain, "{length} bytes cut at {cut}");
            }
        }
    }
}

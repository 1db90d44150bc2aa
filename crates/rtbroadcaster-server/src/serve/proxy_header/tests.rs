//! Good and bad headers, whole and cut.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A header of version 2.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, rest].concat()
}

/// The addresses of a connection from 203.0.113.9:50000 to 192.0.2.1:443.
const FOUR: [u8; 12] = [203, 0, 113, 9, 192, 0, 2, 1, 0xc3, 0x50, 1, 187];

/// The same from [2001:db8::7]:50000.
fn six() -> Vec<u8> {
    let (from, to): (Ipv6Addr, Ipv6Addr) = ("2001:db8::7".parse().unwrap(), "2001:db8::1".parse().unwrap());
    [&from.octets()[..], &to.octets(), &[0xc3, 0x50, 1, 187]].concat()
}

/// Good headers, each with its source.
fn good() -> Vec<(Vec<u8>, Option<&'static str>)> {
    let line = |text: &str| format!("{text}\r\n").into_bytes();
    let more = [&FOUR[..], &[0x04, 0, 3, 1, 2, 3]].concat();
    vec![
        (line("PROXY TCP4 203.0.113.9 192.0.2.1 50000 443"), Some("203.0.113.9:50000")),
        (line("PROXY TCP4 255.255.255.255 255.255.255.255 65535 0"), Some("255.255.255.255:65535")),
        (line("PROXY TCP6 2001:db8::7 2001:db8::1 50000 443"), Some("[2001:db8::7]:50000")),
        (line("PROXY UNKNOWN"), None),
        (line("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535"), None),
        (binary(0x21, 0x11, &FOUR), Some("203.0.113.9:50000")),
        (binary(0x21, 0x11, &more), Some("203.0.113.9:50000")),
        (binary(0x21, 0x21, &six()), Some("[2001:db8::7]:50000")),
        (binary(0x20, 0x00, &[]), None),
        (binary(0x20, 0x11, &[]), None),
        (binary(0x20, 0x11, &FOUR), None),
        (binary(0x21, 0x00, &[]), None),
        (binary(0x21, 0x00, &[1, 2, 3]), None),
        (binary(0x21, 0x12, &FOUR), None),
        (binary(0x21, 0x31, &[b'/'; 216]), None),
        (binary(0x21, 0x11, &[&FOUR[..], &[0; BYTES_MAX - 28]].concat()), Some("203.0.113.9:50000")),
    ]
}

#[test]
fn a_good_header_has_its_source_however_it_is_cut_and_whatever_follows() {
    for (header, source) in good() {
        let told = ProxyHeader { bytes: header.len(), source: source.map(|source| source.parse().unwrap()) };
        for cut in 0..header.len() {
            assert_eq!(parse(&header[..cut]), Ok(None), "{} of {header:?}", cut);
        }
        for more in [&b""[..], b"G", b"GET / HTTP/1.1\r\n\r\n", &[0; 3_000]] {
            assert_eq!(parse(&[&header[..], more].concat()), Ok(Some(told)), "{header:?}");
        }
    }
}

#[test]
fn what_is_no_header_is_known_at_once() {
    for bad in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"X",
        b"\0",
        b"PROXX",
        b"PROXY\r",
        b"PROXY TCP4\r\n",
        b"PROXY  TCP4 203.0.113.9 192.0.2.1 50000 443\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 50000\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 443 \r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 443 1\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 050000 443\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 +5000 443\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 65536\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1  443\r\n",
        b"PROXY TCP4 203.0.113.256 192.0.2.1 50000 443\r\n",
        b"PROXY TCP4 203.0.113.9 2001:db8::1 50000 443\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 50000 443\r\n",
        b"PROXY TCP6 203.0.113.9 192.0.2.1 50000 443\r\n",
        b"PROXY UDP4 203.0.113.9 192.0.2.1 50000 443\r\n",
        b"PROXY unknown\r\n",
        b"PROXY \xff\r\n",
        b"PROXY UNKNOWN 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 01234567",
        b"\r\n\r\n\0\r\nQUIT\r",
    ] {
        assert_eq!(parse(bad), Err(MalformedHeader), "{}", bad.escape_ascii());
    }
    for (command, family, rest) in [
        (0x11, 0x11, &FOUR[..]),
        (0x22, 0x11, &FOUR),
        (0x31, 0x11, &FOUR),
        (0x21, 0x13, &FOUR),
        (0x21, 0x41, &FOUR),
        (0x21, 0x01, &FOUR),
        (0x21, 0x11, &FOUR[..11]),
        (0x21, 0x21, &FOUR),
        (0x21, 0x31, &FOUR),
        (0x20, 0xff, &[]),
        (0x21, 0x00, &[0; BYTES_MAX - 15]),
    ] {
        let bad = binary(command, family, rest);
        assert_eq!(parse(&bad[..FIXED_BYTES]), Err(MalformedHeader), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_more_of_them_change_no_verdict(
        begin in prop_oneof![Just(vec![]), Just(LINE.to_vec()), Just(SIGNATURE.to_vec()), Just(binary(0x21, 0x11, &FOUR))],
        rest in vec(any::<u8>(), 0..300),
    ) {
        let input = [begin, rest].concat();
        let mut last = Ok(None);
        for cut in 0..=input.len() {
            let verdict = parse(&input[..cut]);
            prop_assert!(last == Ok(None) || last == verdict, "{last:?} became {verdict:?} at {cut}");
            if let Ok(Some(header)) = verdict {
                prop_assert!(header.bytes <= cut && header.bytes <= BYTES_MAX);
            }
            last = verdict;
        }
    }

    #[test]
    fn every_source_is_found_in_both_versions(four in any::<bool>(), bits: u128, port: u16, more in vec(any::<u8>(), 0..64)) {
        let address = if four {
            IpAddr::from(Ipv4Addr::from_bits(u32::try_from(bits >> 96).unwrap()))
        } else {
            IpAddr::from(Ipv6Addr::from_bits(bits))
        };
        let source = Some(SocketAddr::new(address, port));
        let word = if four { "TCP4" } else { "TCP6" };
        let line = format!("PROXY {word} {address} {address} {port} 443\r\n").into_bytes();
        let octets = match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        let ends = [&octets[..], &octets, &port.to_be_bytes(), &[1, 187], &more].concat();
        for header in [line, binary(0x21, if four { 0x11 } else { 0x21 }, &ends)] {
            let parsed = parse(&[&header[..], b"GET"].concat());
            prop_assert_eq!(parsed, Ok(Some(ProxyHeader { bytes: header.len(), source })));
        }
    }
}

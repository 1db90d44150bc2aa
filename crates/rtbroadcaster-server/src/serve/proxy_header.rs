//! Parses the header with which a proxy sends the source of a TCP connection: the PROXY protocol, versions 1 and 2
//! (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>).
//! Pure: it must not know sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest line of version 1, with its end (section 2.1).
const LINE_BYTES_MAX: usize = 107;

/// The most bytes of a header. A header of version 2 may contain data that the proxy adds, such as the name of a
/// certificate; the standard expects less than 536 bytes (section 2).
pub(super) const BYTES_MAX: usize = 2_048;

const LINE: &[u8] = b"PROXY ";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The bytes of version 2 up to its addresses.
const FIXED_BYTES: usize = 16;

/// A whole header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProxyHeader {
    /// The length of the header.
    pub(super) bytes: usize,
    /// The source of the connection. `None` if the connection is the proxy's own, such as a health check, or if the
    /// proxy does not know the source.
    pub(super) source: Option<SocketAddr>,
}

/// The error for bytes that are not the beginning of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no PROXY header")]
pub(super) struct MalformedHeader;

/// Returns the header at the beginning of `input`, or `None` if `input` is only a part of one.
///
/// # Errors
/// [`MalformedHeader`] as soon as no further bytes can complete a header.
pub(super) fn parse(input: &[u8]) -> Result<Option<ProxyHeader>, MalformedHeader> {
    let begins = |with: &[u8]| input.iter().zip(with).all(|(came, expected)| came == expected);
    if begins(LINE) {
        parse_line(input)
    } else if begins(SIGNATURE) {
        parse_binary(input)
    } else {
        Err(MalformedHeader)
    }
}

fn parse_line(input: &[u8]) -> Result<Option<ProxyHeader>, MalformedHeader> {
    let most = &input[..input.len().min(LINE_BYTES_MAX)];
    let Some(end) = most.windows(2).position(|pair| pair == b"\r\n") else {
        return if most.len() == LINE_BYTES_MAX { Err(MalformedHeader) } else { Ok(None) };
    };
    let line = std::str::from_utf8(&most[..end]).map_err(|_| MalformedHeader)?;
    let words: Vec<&str> = line.split(' ').collect();
    let source = match words[..] {
        // The rest of the line is ignored (section 2.1).
        [_, "UNKNOWN", ..] => None,
        [_, "TCP4", from, to, from_port, to_port] => {
            Some(ends::<Ipv4Addr>([from, to], [from_port, to_port]).ok_or(MalformedHeader)?)
        }
        [_, "TCP6", from, to, from_port, to_port] => {
            Some(ends::<Ipv6Addr>([from, to], [from_port, to_port]).ok_or(MalformedHeader)?)
        }
        _ => return Err(MalformedHeader),
    };
    Ok(Some(ProxyHeader { bytes: end + 2, source }))
}

/// Returns the first address and port of a connection, if both ends are valid.
fn ends<A: std::str::FromStr + Into<IpAddr>>(addresses: [&str; 2], ports: [&str; 2]) -> Option<SocketAddr> {
    let [from, _] = addresses.map(|text| text.parse::<A>().ok());
    let both = addresses.iter().all(|text| text.parse::<A>().is_ok()) && ports.iter().all(|text| port(text).is_some());
    from.filter(|_| both).zip(port(ports[0])).map(|(address, port)| SocketAddr::new(address.into(), port))
}

/// Parses a port: digits without leading zeroes (section 2.1).
fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

fn parse_binary(input: &[u8]) -> Result<Option<ProxyHeader>, MalformedHeader> {
    let Some((fixed, rest)) = input.split_first_chunk::<FIXED_BYTES>() else { return Ok(None) };
    let [.., command, family, high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let address_bytes = match family {
        0x00 => 0,
        0x11 | 0x12 => 12,
        0x21 | 0x22 => 36,
        0x31 | 0x32 => 216,
        _ => return Err(MalformedHeader),
    };
    let is_local = match command {
        0x20 => true,
        // Only a header for the proxy's own connection may omit the addresses.
        0x21 if length >= address_bytes => false,
        _ => return Err(MalformedHeader),
    };
    if FIXED_BYTES + length > BYTES_MAX {
        return Err(MalformedHeader);
    }
    if rest.len() < length {
        return Ok(None);
    }
    // Data behind the addresses is ignored, and so are addresses of UDP and Unix sockets: this is a TCP connection.
    let source = match (is_local, family) {
        (false, 0x11) => rest.first_chunk::<12>().map(|ends| {
            let &[a, b, c, d, _, _, _, _, high, low, ..] = ends;
            SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([high, low]))
        }),
        (false, 0x21) => rest
            .first_chunk::<16>()
            .zip(rest.get(32..34))
            .map(|(from, port)| SocketAddr::new(Ipv6Addr::from(*from).into(), u16::from_be_bytes([port[0], port[1]]))),
        _ => None,
    };
    Ok(Some(ProxyHeader { bytes: FIXED_BYTES + length, source }))
}

#[cfg(test)]
mod tests;

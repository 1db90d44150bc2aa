//! WebSocket frames from the client's side (RFC 6455 section 5.2). Must not know their contents.

pub(super) const TEXT: u8 = 0x81;
pub(super) const PONG: u8 = 0x8a;
pub(super) const CLOSE: u8 = 0x88;

/// A frame from the server.
#[derive(Debug)]
pub(super) enum ServerFrame {
    Text(String),
    Ping(Vec<u8>),
    Pong,
    /// The code, if there is one, and the reason.
    Close(Option<u16>, String),
}

/// Returns a masked frame. The mask is zero, so that the text can be read in a corpus.
pub(super) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a short message");
    let mut frame = match u8::try_from(length) {
        Ok(length) if length < 126 => vec![first, 0x80 | length],
        _ => [&[first, 0xfe], &length.to_be_bytes()[..]].concat(),
    };
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// Takes the next whole frame from the front of `input`.
pub(super) fn next(input: &mut Vec<u8>) -> Option<ServerFrame> {
    let &[first, second] = input.first_chunk()?;
    let (header, length) = match second {
        127 => panic!("no message here is so long"),
        126 => (4, u16::from_be_bytes(*input.get(2..)?.first_chunk()?).into()),
        short => (2, usize::from(short)),
    };
    if input.len() < header + length {
        return None;
    }
    let payload = input[header..header + length].to_vec();
    input.drain(..header + length);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the server sends UTF-8");
    Some(match first {
        TEXT => ServerFrame::Text(text(&payload)),
        0x89 => ServerFrame::Ping(payload),
        PONG => ServerFrame::Pong,
        CLOSE => match payload.split_first_chunk() {
            Some((code, reason)) => ServerFrame::Close(Some(u16::from_be_bytes(*code)), text(reason)),
            None => ServerFrame::Close(None, String::new()),
        },
        other => panic!("no server sends a frame that begins with {other:#x}"),
    })
}

//! Reads lines of the standard input, each with a limit of bytes. Must not know what they mean.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// The most bytes of a line: a state of 1 MiB with each byte written as an escape, and the JSON around it.
pub(super) const BYTES_MAX: usize = 8 * 1024 * 1024;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InputLine {
    Text(String),
    TooLong,
    NotUtf8,
}

/// The byte order mark, which some editors write before UTF-8 (Unicode, section 23.8). It is no part of the first line.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Returns the first line, without a byte order mark.
pub(super) async fn first(input: &mut (impl AsyncBufRead + Unpin), bytes_max: usize) -> io::Result<Option<InputLine>> {
    let line = next(input, bytes_max.saturating_add(BYTE_ORDER_MARK.len_utf8())).await?;
    let Some(InputLine::Text(text)) = line else { return Ok(line) };
    let rest = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
    Ok(Some(if rest.len() > bytes_max { InputLine::TooLong } else { InputLine::Text(rest.into()) }))
}

/// Returns the next line without its line break; `None` at the end of the input. Not cancel safe: the part of a line
/// that was read is lost.
pub(super) async fn next(input: &mut (impl AsyncBufRead + Unpin), bytes_max: usize) -> io::Result<Option<InputLine>> {
    let (mut line, mut is_too_long, mut is_begun) = (Vec::new(), false, false);
    loop {
        let read = input.fill_buf().await?;
        if read.is_empty() {
            break;
        }
        is_begun = true;
        let end = read.iter().position(|&byte| byte == b'\n');
        let part = &read[..end.unwrap_or(read.len())];
        // The rest of a line that is too long is read and dropped.
        is_too_long |= line.len() + part.len() > bytes_max;
        if !is_too_long {
            line.extend_from_slice(part);
        }
        let taken = end.map_or(read.len(), |end| end + 1);
        input.consume(taken);
        if end.is_some() {
            break;
        }
    }
    if is_too_long {
        return Ok(Some(InputLine::TooLong));
    }
    Ok(is_begun.then(|| String::from_utf8(line).map_or(InputLine::NotUtf8, InputLine::Text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_have_a_limit_and_the_one_behind_is_whole() {
        let mut input = tokio::io::BufReader::with_capacity(3, &b"one\n\ntoo long by far\n\xff\nlast"[..]);
        let mut lines = Vec::new();
        while let Some(line) = next(&mut input, 5).await.unwrap() {
            lines.push(line);
        }
        let text = |text: &str| InputLine::Text(text.into());
        assert_eq!(lines, [text("one"), text(""), InputLine::TooLong, InputLine::NotUtf8, text("last")]);
    }

    #[tokio::test]
    async fn a_mark_before_the_first_line_is_skipped_and_no_other() {
        let text = |text: &str| Some(InputLine::Text(text.into()));
        for (bytes, expected) in [
            (&b"\xef\xbb\xbf12345\n"[..], [text("12345"), None]),
            (b"\xef\xbb\xbf123456\n", [Some(InputLine::TooLong), None]),
            (b"12345678\n", [Some(InputLine::TooLong), None]),
            (b"\xef\xbb\xbf", [text(""), None]),
            (b"\xef\xbb\xbf\xef\xbb\xbf1\n2", [text("\u{feff}1"), text("2")]),
            (b"1\n\xef\xbb\xbf2", [text("1"), text("\u{feff}2")]),
            (b"\xef\xbb", [Some(InputLine::NotUtf8), None]),
            (b"", [None, None]),
        ] {
            let mut input = tokio::io::BufReader::with_capacity(2, bytes);
            let lines = [first(&mut input, 5).await.unwrap(), next(&mut input, 5).await.unwrap()];
            assert_eq!(lines, expected, "{bytes:?}");
        }
    }
}

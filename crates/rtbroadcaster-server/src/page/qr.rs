//! QR codes of this server's own links, as SVG. Must not know HTTP.

use qrcode::QrCode;
use qrcode::render::svg::Color;

/// The most bytes of a link: a code of more would be too dense for a phone's camera.
const URL_BYTES_MAX: usize = 512;

/// The least width of the picture, in CSS pixels.
const WIDTH_MIN: u32 = 180;

/// Why a link gets no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum QrError {
    /// It is over [`URL_BYTES_MAX`].
    #[error("the url is over {URL_BYTES_MAX} bytes")]
    TooLong,
    /// It does not lead to the host that was asked: this is no service for other people's links.
    #[error("the url is not one of this host")]
    OtherHost,
}

/// The code of `url`, a link to `host`: black on white with its quiet zone, whatever the page around it looks like.
pub(super) fn svg(url: &str, host: &str) -> Result<String, QrError> {
    if url.len() > URL_BYTES_MAX {
        return Err(QrError::TooLong);
    }
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or(QrError::OtherHost)?;
    let (authority, _path) = rest.split_once('/').ok_or(QrError::OtherHost)?;
    if host.is_empty() || !authority.eq_ignore_ascii_case(host) {
        return Err(QrError::OtherHost);
    }
    let code = QrCode::new(url).expect("version 40 holds 2 331 bytes at level M, and the url has at most 512");
    let mut picture = code.render::<Color<'_>>();
    picture.min_dimensions(WIDTH_MIN, WIDTH_MIN).quiet_zone(true);
    Ok(picture.dark_color(Color("#000")).light_color(Color("#fff")).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "example.org:8080";

    #[test]
    fn only_links_of_the_own_host_get_a_code() {
        for url in ["http://example.org:8080/", "https://EXAMPLE.org:8080/?uuid=1", "http://example.org:8080/a/b#c"] {
            assert!(svg(url, HOST).is_ok(), "{url}");
        }
        let other = [
            "",
            "http://",
            "http:///",
            "//example.org:8080/",
            "example.org:8080/",
            "http://example.org:8080",
            "http://example.org/",
            "http://example.org:80801/",
            "http://example.org:8080@evil.test/",
            "http://example.org:8080.evil.test/",
            "http://evil.test/http://example.org:8080/",
            "javascript:alert(1)//example.org:8080/",
            "ftp://example.org:8080/",
            "HTTP://example.org:8080/",
            " http://example.org:8080/",
        ];
        for url in other {
            assert_eq!(svg(url, HOST), Err(QrError::OtherHost), "{url}");
        }
        assert_eq!(svg("http:///", ""), Err(QrError::OtherHost));
    }

    #[test]
    fn the_longest_link_gets_a_code_and_a_longer_one_does_not() {
        let start = format!("http://{HOST}/");
        let longest = format!("{start}{}", "a".repeat(URL_BYTES_MAX - start.len()));
        assert!(svg(&longest, HOST).is_ok());
        assert_eq!(svg(&format!("{longest}a"), HOST), Err(QrError::TooLong));
    }

    #[test]
    fn nothing_of_the_link_stands_in_the_picture() {
        let svg = svg("http://example.org:8080/?<script>", HOST).unwrap();
        assert!(svg.contains("<svg") && !svg.contains("script"), "{svg}");
    }
}

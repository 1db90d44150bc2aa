//! QR codes of this server's own links, as SVG. Must not know HTTP.

mod throttle;

use std::collections::VecDeque;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use qrcode::{Color, QrCode};
use tokio::task::spawn_blocking;

use throttle::Throttle;

/// The most bytes of a link: the code of a longer one would be too dense for a phone's camera.
const URL_BYTES_MAX: usize = 256;

/// The width of the light margin around a code, in modules (ISO/IEC 18004 section 9.1).
const QUIET_ZONE: usize = 4;

/// The least width of the picture, in CSS pixels.
const WIDTH_MIN: usize = 180;

/// The most codes in the cache, the newest ones: each has at most 30 KiB.
const KEPT_MAX: usize = 64;

/// Why a link gets no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum QrError {
    /// The link is longer than [`URL_BYTES_MAX`].
    #[error("the url is over {URL_BYTES_MAX} bytes")]
    TooLong,
    /// The link leads to another host than the request: this is no service for other sites' links.
    #[error("the url is not one of this host")]
    OtherHost,
    /// Too many requests for codes wait, in all or from this address.
    #[error("too many codes are asked for, try again soon")]
    Busy,
}

/// Draws codes one after the other on a thread that serves no rooms, and caches the newest ones.
#[derive(Debug, Clone, Default)]
pub(super) struct QrCodes(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    kept: Mutex<VecDeque<(String, Bytes)>>,
    throttle: Throttle,
}

impl QrCodes {
    /// Returns the code of `url`, a link to `host`, for a client at `address`: black on white with its quiet zone, also
    /// on a dark page.
    pub(super) async fn svg(&self, url: &str, host: &str, address: Option<IpAddr>) -> Result<Bytes, QrError> {
        check(url, host)?;
        if let Some(svg) = self.kept(url) {
            return Ok(svg);
        }
        let _guard = self.0.throttle.next(address).await.ok_or(QrError::Busy)?;
        // Another request may have drawn it meanwhile.
        if let Some(svg) = self.kept(url) {
            return Ok(svg);
        }
        let link = url.to_owned();
        let svg = spawn_blocking(move || draw(&link)).await.map_err(|_| QrError::Busy)?;
        let svg = Bytes::from(svg);
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(KEPT_MAX - 1);
        kept.push_front((url.to_owned(), svg.clone()));
        Ok(svg)
    }

    fn kept(&self, url: &str) -> Option<Bytes> {
        let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == url).map(|(_, svg)| svg.clone())
    }
}

/// Checks that a link is short enough and leads to `host`.
fn check(url: &str, host: &str) -> Result<(), QrError> {
    if url.len() > URL_BYTES_MAX {
        return Err(QrError::TooLong);
    }
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or(QrError::OtherHost)?;
    let (authority, _path) = rest.split_once('/').ok_or(QrError::OtherHost)?;
    if host.is_empty() || !authority.eq_ignore_ascii_case(host) {
        return Err(QrError::OtherHost);
    }
    Ok(())
}

/// Draws the code of `url`. Each run of dark modules in a row is one rectangle of one path.
fn draw(url: &str) -> String {
    let code = QrCode::new(url).expect("version 40 holds 2 331 bytes at level M, and the url has at most 256");
    let (width, modules) = (code.width(), code.to_colors());
    let size = width + 2 * QUIET_ZONE;
    // A module has a whole number of pixels.
    let pixels = size * WIDTH_MIN.div_ceil(size);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{pixels}\" height=\"{pixels}\" viewBox=\"0 0 {size} {size}\" \
         shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path d=\""
    );
    for (row, modules) in modules.chunks(width).enumerate() {
        let mut column = 0;
        for run in modules.chunk_by(PartialEq::eq) {
            if run[0] == Color::Dark {
                let (x, y, length) = (column + QUIET_ZONE, row + QUIET_ZONE, run.len());
                write!(svg, "M{x} {y}h{length}v1H{x}z").expect("writing to a string does not fail");
            }
            column += run.len();
        }
    }
    svg.push_str("\"/></svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "example.org:8080";

    #[test]
    fn only_links_of_the_own_host_get_a_code() {
        for url in ["http://example.org:8080/", "https://EXAMPLE.org:8080/?uuid=1", "http://example.org:8080/a/b#c"] {
            assert_eq!(check(url, HOST), Ok(()), "{url}");
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
            assert_eq!(check(url, HOST), Err(QrError::OtherHost), "{url}");
        }
        assert_eq!(check("http:///", ""), Err(QrError::OtherHost));
    }

    #[test]
    fn the_longest_link_gets_a_small_picture_and_a_longer_one_none() {
        let start = format!("http://{HOST}/");
        let longest = format!("{start}{}", "a".repeat(URL_BYTES_MAX - start.len()));
        assert_eq!(check(&longest, HOST), Ok(()));
        assert!(draw(&longest).len() < 30 * 1024, "{}", draw(&longest).len());
        assert_eq!(check(&format!("{longest}a"), HOST), Err(QrError::TooLong));
    }

    /// Returns the dark modules of a picture.
    fn dark(svg: &str) -> Vec<(usize, usize)> {
        let path = svg.rsplit_once("d=\"").unwrap().1.split_once('"').unwrap().0;
        let runs = path.split('M').skip(1).map(|run| {
            let (x, rest) = run.split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            (x.parse::<usize>().unwrap(), y.parse::<usize>().unwrap(), rest.split_once('v').unwrap().0.parse().unwrap())
        });
        runs.flat_map(|(x, y, length): (_, _, usize)| (x..x + length).map(move |x| (x, y))).collect()
    }

    #[test]
    fn the_picture_has_the_modules_of_the_code_and_nothing_of_the_link() {
        let url = "http://example.org:8080/?<script>";
        let (svg, code) = (draw(url), QrCode::new(url).unwrap());
        assert!(!svg.contains("script"), "{svg}");
        assert!(svg.contains(" width=\"185\" height=\"185\" viewBox=\"0 0 37 37\""), "{svg}");
        let dark = dark(&svg);
        let modules = code.to_colors();
        assert_eq!(dark.len(), modules.iter().filter(|color| **color == Color::Dark).count());
        for (x, y) in dark {
            assert_eq!(modules[(y - QUIET_ZONE) * code.width() + x - QUIET_ZONE], Color::Dark);
        }
    }

    #[tokio::test]
    async fn a_code_is_drawn_once_while_it_is_cached() {
        let codes = QrCodes::default();
        let url = |number: usize| format!("http://{HOST}/?{number}");
        let first = codes.svg(&url(0), HOST, None).await.unwrap();
        let again = codes.svg(&url(0), HOST, None).await.unwrap();
        assert_eq!(first.as_ptr(), again.as_ptr());
        for number in 1..=KEPT_MAX {
            codes.svg(&url(number), HOST, None).await.unwrap();
        }
        assert_eq!(codes.0.kept.lock().unwrap().len(), KEPT_MAX);
        assert!(codes.kept(&url(0)).is_none() && codes.kept(&url(1)).is_some());
    }
}

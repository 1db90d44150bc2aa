//! The pages at `/` and `/poll`, the JavaScript SDK at `/sdk/` and QR codes of the page's own links.
//! Must not know rooms: a page connects to the broadcasting path like any other client.

mod asset;
mod qr;

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rtbroadcaster::Arrival;
use rust_embed::RustEmbed;
use serde::Deserialize;

use asset::{Asset, OriginAccess};
use qr::{QrCodes, QrError};

/// The paths that this module answers, and the folders below which it answers every path.
pub(crate) const PATHS: [&str; 3] = ["/", "/poll", "/qr.svg"];
pub(crate) const FOLDERS: [&str; 2] = ["/page/", "/sdk/"];

/// The paths of the pages and their files.
const PAGES: [(&str, &str); 2] = [("/", "index.html"), ("/poll", "poll.html")];

/// The placeholder for the broadcasting path in a page.
const PATH_PLACEHOLDER: &str = "{broadcasting-path}";

/// The placeholder for the server's port in a page.
const PORT_PLACEHOLDER: &str = "{listen-port}";

/// The files of the pages, without their tests.
#[derive(RustEmbed)]
#[folder = "page/"]
#[include = "*.html"]
#[include = "*.css"]
#[include = "*.js"]
#[include = "*.svg"]
#[exclude = "tests/*"]
struct PageFiles;

/// The SDK's sources, which browsers load as modules.
#[derive(RustEmbed)]
#[folder = "../../sdk/javascript/"]
#[include = "*.js"]
// In these patterns a star also matches folders.
#[exclude = "*/*"]
// Only programs that render on a server load this file.
#[exclude = "react-server.js"]
struct SdkFiles;

/// The SDK as one file for script tags, with its source map. Both are committed, so that a build needs no Node.js.
#[derive(RustEmbed)]
#[folder = "../../sdk/javascript/dist/"]
#[include = "rtbroadcaster.min.js"]
#[include = "rtbroadcaster.min.js.map"]
struct TagFiles;

/// The query of `/qr.svg`.
#[derive(Deserialize)]
struct QrQuery {
    /// The link to encode.
    url: String,
}

/// Returns the routes `/`, `/poll`, `/page/`, `/sdk/` and `/qr.svg` for GET and HEAD. The pages connect to
/// `broadcasting_path` of the same host, and show the `port` in their advice on how to reach the server. Everything but
/// the QR codes is built once, here.
pub(crate) fn routes<S>(broadcasting_path: &str, port: u16) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let mut router = Router::new();
    for (at, file) in PAGES {
        let page = page(file, &escaped(broadcasting_path), port);
        router = router.route(at, get(move |headers: HeaderMap| async move { answer(page.as_ref(), &headers) }));
    }
    let sdk = files::<SdkFiles>(OriginAccess::AnyOrigin).chain(files::<TagFiles>(OriginAccess::AnyOrigin));
    let codes = QrCodes::default();
    router
        .route("/page/{name}", get(file_of(files::<PageFiles>(OriginAccess::SameOrigin))))
        .route("/sdk/{name}", get(file_of(sdk)))
        .route("/qr.svg", get(move |request: Request| qr_svg(codes, request.into_parts().0)))
}

fn page(name: &str, path: &str, port: u16) -> Option<Asset> {
    let file = PageFiles::get(name)?;
    let text = String::from_utf8_lossy(&file.data).replace(PORT_PLACEHOLDER, &port.to_string());
    let text = text.replace(PATH_PLACEHOLDER, path);
    Some(Asset::new(name, text.into_bytes().into(), OriginAccess::SameOrigin))
}

/// Returns the files of a folder by their names.
fn files<F: RustEmbed>(access: OriginAccess) -> impl Iterator<Item = (String, Asset)> {
    F::iter().filter_map(move |name| {
        let asset = Asset::new(&name, F::get(&name)?.data, access);
        Some((name.into_owned(), asset))
    })
}

/// Returns a handler that answers with one of `files` by its name.
fn file_of(
    files: impl Iterator<Item = (String, Asset)>,
) -> impl Fn(Path<String>, HeaderMap) -> Ready<Response> + Clone + Send + Sync + 'static {
    let files: Arc<HashMap<String, Asset>> = Arc::new(files.collect());
    move |Path(name), headers| ready(answer(files.get(&name), &headers))
}

fn answer(asset: Option<&Asset>, headers: &HeaderMap) -> Response {
    asset.map_or_else(not_found, |asset| asset.answer(headers))
}

async fn qr_svg(codes: QrCodes, request: Parts) -> Response {
    let Ok(Query(QrQuery { url })) = Query::try_from_uri(&request.uri) else {
        return bad_request("one `url` is needed");
    };
    // Which of several hosts is meant would be a guess.
    let headers = &request.headers;
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next().map(axum::http::HeaderValue::to_str), hosts.next()) {
        (Some(Ok(host)), None) => host,
        _ => return bad_request(&QrError::OtherHost.to_string()),
    };
    let address = request.extensions.get::<Arrival>().map(|arrival| arrival.peer.ip());
    match codes.svg(&url, host, address).await {
        Ok(svg) => Asset::of("qr.svg", svg, OriginAccess::SameOrigin).answer(headers),
        Err(QrError::Busy) => {
            let later = [(header::RETRY_AFTER, "1")];
            (StatusCode::SERVICE_UNAVAILABLE, later, format!("{}\n", QrError::Busy)).into_response()
        }
        Err(error) => bad_request(&error.to_string()),
    }
}

fn bad_request(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response()
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "not found\n").into_response()
}

/// Returns the text escaped for an HTML attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_browsers_load_is_embedded() {
        let page: Vec<_> = PageFiles::iter().collect();
        assert!(page.iter().any(|name| name == "index.html"), "{page:?}");
        let sdk: Vec<_> = SdkFiles::iter().collect();
        assert!(sdk.iter().any(|name| name == "rtbroadcaster.js"), "{sdk:?}");
        for name in page.iter().chain(&sdk) {
            let type_of_a_file = name.split_once('.').map(|(_, endings)| endings);
            assert!(!name.contains('/') && matches!(type_of_a_file, Some("html" | "css" | "js" | "svg")), "{name}");
        }
        let mut tag: Vec<_> = TagFiles::iter().collect();
        tag.sort();
        assert_eq!(tag, ["rtbroadcaster.min.js", "rtbroadcaster.min.js.map"]);
        assert!(PageFiles::get("tests/page.test.mjs").is_none());
        assert!(PageFiles::get("../Cargo.toml").is_none());
        for other in [
            "node_modules/ws/index.js",
            "dist/rtbroadcaster.min.js",
            "types/index.d.ts",
            "react-server.js",
            "build.mjs",
        ] {
            assert!(SdkFiles::get(other).is_none(), "{other}");
        }
    }

    #[test]
    fn each_page_learns_its_broadcasting_path_and_port() {
        let path = escaped("/a\"&<b>");
        assert_eq!(path, "/a&quot;&amp;&lt;b&gt;");
        for (at, name) in PAGES {
            assert!(PATHS.contains(&at), "{at}");
            let file = PageFiles::get(name).unwrap();
            let text = String::from_utf8_lossy(&file.data);
            assert_eq!(text.matches(PATH_PLACEHOLDER).count(), 1);
            assert_eq!(text.matches(PORT_PLACEHOLDER).count(), 1);
            assert!(!text.contains("8080"), "{name} names a port that may not be the server's");
            assert_eq!(answer(page(name, &path, 9000).as_ref(), &HeaderMap::new()).status(), StatusCode::OK);
        }
    }
}

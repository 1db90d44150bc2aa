//! The files of the JavaScript SDK as pages of any origin get them.

use crate::connection::{Answer, Connection};
use crate::server::Server;

/// The committed file for script tags, whose integrity pages may ask for.
const TAG: &str = include_str!("../../../../sdk/javascript/dist/rtbroadcaster.min.js");

async fn get(server: &Server, path: &str, headers: &str) -> Answer {
    Connection::open(server).await.ask(&format!("GET {path}"), headers).await
}

#[tokio::test]
async fn the_file_for_script_tags_is_the_committed_one_for_pages_of_any_origin() {
    let server = Server::start().await;
    for (path, content_type) in [
        ("/sdk/rtbroadcaster.min.js", "text/javascript; charset=utf-8"),
        ("/sdk/rtbroadcaster.min.js.map", "application/json"),
        ("/sdk/index.js", "text/javascript; charset=utf-8"),
    ] {
        let answer = get(&server, path, "Origin: https://elsewhere.example\r\n").await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some(content_type), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        // Asked for each time, and sent only where it is another one: a page that names an integrity never gets an old
        // file.
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
        let tag = answer.header("etag").unwrap();
        let again = get(&server, path, &format!("If-None-Match: {tag}\r\n")).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
        assert_eq!(again.header("etag"), Some(tag), "{path}");
        assert_eq!(again.header("access-control-allow-origin"), Some("*"), "{path}");
    }
    let answer = get(&server, "/sdk/rtbroadcaster.min.js", "").await;
    assert!(answer.body == TAG, "the bytes are those of the committed file");
}

#[tokio::test]
async fn nothing_else_of_the_sdks_folder_is_served() {
    let server = Server::start().await;
    for path in [
        "/sdk/dist/rtbroadcaster.min.js",
        "/sdk/dist%2Frtbroadcaster.min.js",
        "/sdk/types%2Findex.d.ts",
        "/sdk/index.d.ts",
        "/sdk/package.json",
        "/sdk/package-lock.json",
        "/sdk/README.md",
        "/sdk/build.mjs",
        "/sdk/scripts%2Ftag.mjs",
        "/sdk/react-server.js",
        "/sdk/tests%2Fseed.test.mjs",
        "/sdk/tests%2Fruntimes%2Fpackage.json",
        "/sdk/node_modules%2Fws%2Findex.js",
        "/sdk/..%2FREADME.md",
        "/sdk/",
    ] {
        assert_eq!(get(&server, path, "").await.status, 404, "{path}");
    }
}

// The page's files over HTTP: types, validators, rules for browsers, refusals.

import assert from "node:assert/strict";
import { get } from "node:http";
import { after, before, test } from "node:test";
import { start, stop } from "../../../../protocol/server.mjs";
import { SERVER_ARGUMENTS } from "./stand.mjs";

let server;
let origin;
before(async () => {
  server = await start(SERVER_ARGUMENTS);
  origin = server.address.replace("ws:", "http:").replace("/broadcasting", "");
});
after(() => stop(server));

const FILES = [
  ["/", "text/html; charset=utf-8"],
  ["/poll", "text/html; charset=utf-8"],
  ["/page/poll.css", "text/css; charset=utf-8"],
  ["/page/page.css", "text/css; charset=utf-8"],
  ["/page/page.js", "text/javascript; charset=utf-8"],
  ["/page/art.svg", "image/svg+xml"],
  ["/sdk/index.js", "text/javascript; charset=utf-8"],
  ["/sdk/rtbroadcaster.js", "text/javascript; charset=utf-8"],
  ["/sdk/global.js", "text/javascript; charset=utf-8"],
  ["/sdk/rtbroadcaster.min.js", "text/javascript; charset=utf-8"],
  ["/sdk/rtbroadcaster.min.js.map", "application/json"],
];

for (const [path, type] of FILES) {
  test(`${path} has its type, its rules and a validator`, async () => {
    const answer = await fetch(origin + path);
    assert.equal(answer.status, 200);
    const { headers } = answer;
    assert.equal(headers.get("content-type"), type);
    assert.equal(headers.get("cache-control"), "no-cache");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.match(headers.get("content-security-policy"), /^default-src 'self';/);
    const body = await answer.text();
    assert.ok(body.length > 0);
    const again = await fetch(origin + path, { headers: { "If-None-Match": headers.get("etag") } });
    assert.equal(again.status, 304);
    const head = await fetch(origin + path, { method: "HEAD" });
    assert.equal(head.headers.get("etag"), headers.get("etag"));
    assert.equal(Number(head.headers.get("content-length")), Buffer.byteLength(body));
    assert.equal(await head.text(), "");
    assert.equal((await fetch(origin + path, { method: "POST" })).status, 405);
  });
}

test("nothing but the page and the SDK is there", async () => {
  const others = [
    "/page/tests%2Fpage.test.mjs", "/page/tests/page.test.mjs", "/page/", "/page/none.js", "/page/..%2F..%2FCargo.toml",
    "/page/%2Fetc%2Fhostname", "/sdk/package.json", "/sdk/node_modules%2Fws%2Findex.js", "/sdk/tests%2Fseed.test.mjs", "/index.html",
    "/sdk/dist%2Frtbroadcaster.min.js", "/sdk/dist/rtbroadcaster.min.js", "/sdk/types%2Findex.d.ts", "/sdk/index.d.ts", "/sdk/react-server.js",
    "/sdk/build.mjs", "/sdk/scripts%2Ftag.mjs", "/sdk/README.md",
  ];
  for (const path of others) assert.equal((await fetch(origin + path)).status, 404, path);
});

for (const path of ["/", "/poll"]) {
  test(`the page at ${path} knows its broadcasting path and holds nothing inline`, async () => {
    const html = await (await fetch(origin + path)).text();
    assert.match(html, /<meta name="broadcasting-path" content="\/broadcasting">/);
    assert.doesNotMatch(html, /<style|style="|<script(?![^>]* src=)|\son[a-z]+="|https?:/);
  });
}

test("a QR code is made for links of this host only", async () => {
  const ask = (query) => fetch(`${origin}/qr.svg?${query}`);
  const own = await ask(`url=${encodeURIComponent(`${origin}/?uuid=1`)}`);
  assert.equal(own.status, 200);
  assert.equal(own.headers.get("content-type"), "image/svg+xml");
  assert.match(await own.text(), /^<svg /);
  const refused = ["", "url=", "url=http://example.org/", `url=${origin}`, `url=${origin}/&url=${origin}/`, `url=${origin}/${"a".repeat(500)}`];
  for (const query of refused) {
    const answer = await ask(query);
    assert.equal(answer.status, 400, query);
    assert.match(await answer.text(), /^[^\n]+\n$/);
  }
});

test("a request's own host decides, not the server's", async () => {
  const asked = new Promise((resolve, reject) => {
    get(`${origin}/qr.svg?url=https://slides.example/`, { headers: { Host: "slides.example" } }, resolve).on("error", reject);
  });
  const answer = await asked;
  answer.resume();
  assert.equal(answer.statusCode, 403, "a server on a loopback address answers to localhost only");
});

// The build: its errors, the package.json for npm, and the targets of its maps. Must not know the package's code.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildPackage } from "../build.mjs";

const SOURCES = fileURLToPath(new URL("..", import.meta.url));

const PAGE = "https://git.example.org/somebody/rtbroadcaster";

let folder;
let built;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
  built = join(folder, "built");
  await buildPackage(built, PAGE);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const description = (package_) => JSON.parse(readFileSync(join(package_, "package.json"), "utf8"));

for (const script of ["build.mjs", "scripts/types.mjs", "scripts/tag.mjs", "scripts/sizes.mjs"]) {
  test(`${script} says what to do before \`npm ci\``, (t) => {
    const clone = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
    t.after(() => rmSync(clone, { recursive: true, force: true }));
    for (const name of ["build.mjs", "scripts", "package.json", "types", "README.md"]) cpSync(join(SOURCES, name), join(clone, name), { recursive: true });
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(clone, script)], { encoding: "utf8" });
    assert.match(stderr, /^The package `\w+` is not installed\. Run `npm ci` in sdk\/javascript, then this command again\.\n$/);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.ok(existsSync(join(clone, "types/index.d.ts")), "what was there is still there");
  });
}

test("what is published says where it comes from, and proves it", () => {
  const { repository, homepage, bugs, publishConfig, private: isPrivate } = description(built);
  assert.deepEqual(repository, { type: "git", url: `git+${PAGE}.git`, directory: "sdk/javascript" });
  assert.deepEqual([homepage, bugs], [`${PAGE}#readme`, { url: `${PAGE}/issues` }]);
  assert.deepEqual([publishConfig, isPrivate], [{ access: "public", provenance: true }, undefined]);
});

test("without the address of a repository it is private, which npm does not publish", async () => {
  const nameless = join(folder, "nameless");
  await buildPackage(nameless, "");
  const { repository, publishConfig, private: isPrivate } = description(nameless);
  assert.deepEqual([repository, publishConfig, isPrivate], [undefined, undefined, true]);
});

for (const wrong of ["git@example.org:a/b.git", "http://example.org/a/b", "https://example.org", "https://example.org/a/b.git", "https://example.org/a/b/"]) {
  test(`${wrong} is no address of a repository's page`, async () => {
    const untouched = join(folder, "untouched");
    await assert.rejects(buildPackage(untouched, wrong), /^Error: RTBROADCASTER_REPOSITORY is `[^`]+`, and should be the https address/);
    assert.ok(!existsSync(untouched));
  });
}

test("every file of the code and the types has a map that leads to sources in the package", () => {
  const names = readdirSync(built);
  const mapped = names.filter((name) => /\.(c?js|d\.c?ts)$/.test(name) && !name.startsWith("classic.d."));
  assert.ok(mapped.length > 50, `${mapped.length} files`);
  for (const name of mapped) {
    const [, map] = /\n\/\/# sourceMappingURL=(\S+)\s*$/.exec(readFileSync(join(built, name), "utf8")) ?? [];
    assert.ok(map && names.includes(map), `${name} names ${map}`);
    const { sources } = JSON.parse(readFileSync(join(built, map), "utf8"));
    for (const source of sources) assert.ok(source.startsWith("src/") && existsSync(join(built, dirname(map), source)), `${map} names ${source}`);
  }
});

test("the same sources give the same package, wherever it is built", async () => {
  const elsewhere = join(folder, "else/where");
  await buildPackage(elsewhere, PAGE);
  const texts = (root) => readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort().map((path) => [path.slice(root.length), readFileSync(path, "utf8")]);
  const [one, other] = [texts(built), texts(elsewhere)];
  assert.deepEqual(one.map(([path]) => path), other.map(([path]) => path));
  assert.deepEqual(one.filter(([, text], at) => text !== other[at][1]).map(([path]) => path), []);
});

test("the file for a script tag is the one that the server serves", () => {
  const [packed, served] = [join(built, "rtbroadcaster.min.js"), join(SOURCES, "dist/rtbroadcaster.min.js")].map((path) => readFileSync(path));
  assert.ok(packed.equals(served), "run `npm run build:tag`");
});

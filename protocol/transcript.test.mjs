// Tests the parser of transcripts, which refuses everything outside of the format.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, Values } from "./transcript.mjs";

const ROOM = "00000000-0000-4000-8000-000000000000";

test("a transcript is its title, its configuration and its steps", () => {
  const { title, settings, steps } = parse("# Title\n\n: rooms_max = 1\nowner + classic\n# Comment\nowner >  {} \nrust > event k [ 1 ]\n");
  assert.equal(title, "Title");
  assert.deepEqual(settings, [{ name: "rooms_max", value: "1" }]);
  assert.deepEqual(steps, [
    { line: 4, name: "owner", verb: "+", rest: "classic" },
    { line: 6, name: "owner", verb: ">", rest: " {} " },
    { line: 7, name: "rust", verb: ">", rest: "event k [ 1 ]" },
  ]);
});

test("a line that is not understood is named", () => {
  const bad = [
    "owner", "Owner . ", "owner ? x", "owner + v3", "owner x", "owner x 99", "owner x 1000 Done", "owner . x",
    "owner !> f", "owner b> ", "rust < {}", "rust > event k {}", "rust > clear", ": a=1", "  owner .", "owner .\r",
  ];
  for (const line of bad) assert.throws(() => parse(`# Title\n${line}`), /^Error: line 2: /, line);
  assert.throws(() => parse("owner + classic"), /^Error: line 1: /);
});

test("a value is taken once and is the same everywhere after it", () => {
  const values = new Values();
  assert.throws(() => values.fill("{{room}}"), /not known/);
  assert.ok(!values.matches('{"a":"{{room}}"}', '{"a":"short"}'));
  assert.ok(values.matches('{"a":"{{room}}","b":"{{room}}"}', `{"a":"${ROOM}","b":"${ROOM}"}`));
  assert.ok(!values.matches("{{room}}", ROOM.replace("8", "9")));
  assert.equal(values.fill("{{{room}}}{{CR}}{{LF}}"), `{${ROOM}}\r\n`);
});

test("a value goes on as long as it can and has 32 to 64 characters", () => {
  const matches = (text, expected = '["{{value}}"]') => new Values().matches(expected, text);
  for (const [characters, expected] of [[31, false], [32, true], [36, true], [64, true], [65, false]]) {
    assert.equal(matches(`["${"a".repeat(characters)}"]`), expected, `${characters}`);
  }
  for (const stranger of ["A", "g", "é", " "]) assert.ok(!matches(`["${"a".repeat(35)}${stranger}"]`), stranger);
  assert.ok(!matches(`${"a".repeat(32)}-1`, "{{value}}-1"), "the end is the value's too");
});

test("an expected text matches only itself", () => {
  const values = new Values();
  assert.ok(values.matches('[".*\\u0041^$|/-"]', '[".*\\u0041^$|/-"]'));
  assert.ok(!values.matches("[.]", "[1]"));
  assert.ok(!values.matches("[1]", "[1]\n"));
});

test("a number is taken once and has 1 to 16 digits", () => {
  const values = new Values();
  for (const wrong of ["", "0", "07", "-1", "12345678901234567", "1e3"]) assert.ok(!values.matches('[{{#one}}]', `[${wrong}]`), wrong);
  assert.ok(values.matches("[{{#one}},{{#one}}]", "[12,12]"));
  assert.ok(!values.matches("[{{#one}}]", "[123]"));
  assert.equal(values.fill("{{#one}}"), "12");
  assert.throws(() => values.fill("{{one}}"), /not known/);
});

test("a joined that says nothing of the viewer stands for one with any", () => {
  const [line, key] = ['{"type":"joined","id":"a"}', "0".repeat(45)];
  const joined = (viewer) => `{"type":"joined","id":"a"${viewer}}`;
  const whole = joined(`,"viewer":{"number":12,"key":"${key}"}`);
  assert.ok(new Values().matches(line, whole));
  const wrong = ["", ',"viewer":{"number":12}', `,"viewer":{"number":0,"key":"${key}"}`, `,"viewer":{"number":12,"key":"${key}"},"more":1`];
  for (const viewer of wrong) assert.ok(!new Values().matches(line, joined(viewer)), viewer);
  const values = new Values();
  assert.ok(values.matches('{"type":"joined","id":"a","viewer":{"number":{{#one}},"key":"{{one}}"}}', whole));
  assert.equal(values.fill("{{one}} {{#one}}"), `${key} 12`);
});

// Parses a transcript (conversations/README.md has the format), and matches its texts. Must not know sockets.

const KNOWN = {
  CR: "\r",
  LF: "\n",
  LIMITS: '{"messageBytes":65536,"keyBytes":256,"idBytes":64,"depth":32,"signalBytes":4096,"signalsPerSecond":5}',
};
const PROTOCOLS = ["classic", "v2"];

/** The name of a value in a line, with `#` in front for a number. */
const NAME = /\{\{(#?[a-z]+|CR|LF|LIMITS|NUMBER)\}\}/;

/** The beginning of a `joined` frame, and its end with any viewer. */
const JOINED = '{"type":"joined",';
const VIEWER = /,"viewer":\{"number":[1-9]\d{0,15},"key":"[0-9a-f-]{32,64}"\}\}$/;

/**
 * Returns the title, the settings and the steps of a transcript. Throws an error that names the line.
 * @param {string} text
 */
export function parse(text) {
  const lines = text.split("\n");
  if (!lines[0].startsWith("# ")) throw new Error("line 1: the first line is the title, `# text`");
  const settings = [];
  const steps = [];
  for (const [index, line] of lines.entries()) {
    const fail = (why) => {
      throw new Error(`line ${index + 1}: ${why}: ${line}`);
    };
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith(":")) {
      const found = /^: ([a-z_]+) = (\S+)$/.exec(line) ?? fail("not `: name = value`");
      settings.push({ name: found[1], value: found[2] });
      continue;
    }
    const found = /^([a-z][a-z0-9]*) (\S+)(?: (.*))?$/s.exec(line) ?? fail("not `NAME VERB REST`");
    const [, name, verb, rest = ""] = found;
    const isKnown = name === "rust" ? isRustStep(verb, rest) : isStep(verb, rest);
    if (!isKnown) fail("not a step");
    steps.push({ line: index + 1, name, verb, rest });
  }
  return { title: lines[0].slice(2), settings, steps };
}

function isStep(verb, rest) {
  switch (verb) {
    case "+": return PROTOCOLS.includes(rest);
    case ">": case "<": return true;
    case "b>": case "!>": return rest.length > 0 && /^([0-9a-f]{2})*$/.test(rest.replaceAll(" ", ""));
    case "x": return /^[1-4]\d{3}( [a-z0-9_]+)?$/.test(rest);
    case "-": case "!": case ".": return rest === "";
    default: return false;
  }
}

function isRustStep(verb, rest) {
  switch (verb) {
    case "+": case "close": return rest === "";
    case ">": return /^(event|state|ephemeral) \S+ \[.*\]$/s.test(rest) || /^clear \S+$/.test(rest);
    default: return false;
  }
}

/** The values of one file. */
export class Values {
  #values = new Map(Object.entries(KNOWN));

  /** Returns the text with all values filled in. Throws if one is not known. */
  fill(text) {
    return text.replace(new RegExp(NAME, "g"), (_, name) => {
      const value = this.#values.get(name);
      if (value === undefined) throw new Error(`{{${name}}} is not known yet`);
      return value;
    });
  }

  /**
   * Returns whether `text` matches `expected` exactly; if so, stores the values that were not known. An expected `joined` frame without a
   * viewer matches one with any viewer.
   */
  matches(expected, text) {
    if (!expected.startsWith(JOINED) || expected.includes(',"viewer":')) return this.#matchesWhole(expected, text);
    return VIEWER.test(text) && this.#matchesWhole(expected, text.replace(VIEWER, "}"));
  }

  #matchesWhole(expected, text) {
    const names = [];
    const pattern = expected.split(NAME).map((part, index) => {
      if (index % 2 === 0) return escape(part);
      if (part === "NUMBER") return "\\d+";
      if (this.#values.has(part)) return escape(this.#values.get(part));
      const group = part.replace("#", "number_");
      if (names.includes(part)) return `\\k<${group}>`;
      names.push(part);
      if (part !== group) return `(?<${group}>[1-9]\\d{0,15})(?!\\d)`;
      // Greedy: a value is as long as possible. An epoch is the shortest, an owner key the longest.
      return `(?<${group}>[0-9a-f-]{32,64})(?![0-9a-f-])`;
    });
    const found = new RegExp(`^${pattern.join("")}$`, "su").exec(text);
    if (!found) return false;
    for (const name of names) this.#values.set(name, found.groups[name.replace("#", "number_")]);
    return true;
  }
}

/** Returns a text as a regular expression that matches only this text. */
const escape = (text) => text.replace(/[\\^$.*+?()[\]{}|\/]/g, "\\$&");

// A page that presents, or with ?room= watches. Any file server can serve it. It loads the SDK from the server of ?server=, by default the
// one that `cargo run --release` starts, and connects to that server. Needs no build.

const here = new URLSearchParams(location.search);
const origin = here.get("server") ?? "http://127.0.0.1:8080";
const id = here.get("room");
const element = (name) => document.getElementById(name);

/** The page's words for each status. Other statuses are shown by their names. */
const WORDS = { live: "in step", away: "the presenter is away", lagging: "behind", checking: "in step?", resuming: "coming back", closed: "over" };

/** Shows the message of an error. */
const fail = (error) => (element("error").textContent = error.message);

/** Shows a value now and after each change. */
function show(value, write) {
  write(value.value);
  value.subscribe(write);
}

try {
  const { own, watch } = await import(`${origin}/sdk/index.js`);
  const url = `${origin}/broadcasting`;
  begin(id ? watch(url, id) : own(url, { storage: sessionStorage, audience: true }));
} catch {
  fail(new Error(`Nothing answers at ${origin}. Is the server running there?`));
}

function begin(room) {
  show(room.status, ({ name, reason }) => {
    element("status").textContent = `${WORDS[name] ?? name}${reason ? ` (${reason})` : ""}`;
    element("again").hidden = !/^(connecting|resuming|elsewhere)$/.test(name) || !reason;
  });
  show(room.audience, (audience) => (element("audience").textContent = audience ? `· ${audience.viewers} watching` : ""));
  // The key has no value before the first slide, and after it is cleared.
  show(room.state.key("slide"), (params) => (element("slide").textContent = params ? `Slide ${params[0]}` : "No slide"));
  element("again").onclick = () => room.reconnect();
  room.entered.then(() => (id ? follow(room) : present(room)), fail);
}

function present(room) {
  element("owner").hidden = false;
  element("link").href = `?${new URLSearchParams({ ...Object.fromEntries(here), room: room.id })}`;
  element("next").onclick = () => room.publish("slide", [(room.state.get("slide")?.[0] ?? 0) + 1], { state: true }).catch(fail);
  element("clear").onclick = () => room.clear("slide").catch(fail);
  room.on("hand", ({ from }) => (element("hands").textContent = `Viewer ${from} raised a hand`));
}

function follow(room) {
  element("viewer").hidden = false;
  element("hand").onclick = () => room.signal("hand", []).catch(fail);
}

// The window that asks: publishes its question, and publishes the votes that the server counts as totals for all viewers. Must
// not know individual voters.

import { asQuestion, inWords, showPhase, showQuestion, showTotals, tally } from "./ballot.js";
import { listenToEditor, showEditor } from "./editor.js";
import { button, element } from "./element.js";
import { own, owned } from "./ownership.js";

/** @typedef {import("./ballot.js").Question} Question */

/** The name under which this window stores its room and the room's key. */
const KEPT = "asking";

/** The interval at which the server sends new totals, in milliseconds. */
const EVERY_MS = 500;

/** How long after the end of a vote the totals may still contain only votes from before it, in milliseconds. */
const LATE_MS = EVERY_MS + 1_000;

/** How long the totals must be unchanged before they are read out, in milliseconds. */
const CALM_MS = 1_500;

/** @type {Asker | undefined} */
let current;

/**
 * Opens a room and asks in it. Does nothing while this window asks already.
 * @param {string} path Where the server's WebSocket is.
 */
export function startAsking(path) {
  current ??= new Asker(path);
}

/** Whether this window asked before it was loaded again. */
export const wasAsking = () => owned(KEPT);

class Asker {
  /** @type {import("/sdk/index.js").Host<any> | undefined} */
  #room;
  /** Removes all listeners when it is aborted. */
  #ended = new AbortController();
  /** @type {Question | undefined} */
  #question;
  /** @type {number[]} */
  #totals = [];
  /** @type {number[] | undefined} Votes after the end of the vote, which count if the vote is opened again. */
  #late;
  /** When this window ended the vote. */
  #closedAt = -LATE_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #calm;

  /** @param {string} path */
  constructor(path) {
    void this.#open(path);
  }

  /** @param {string} path */
  async #open(path) {
    const { signal } = this.#ended;
    // The server counts the newest vote of each viewer, so a whole class costs one message twice a second.
    const signals = { vote: { count: true, everyMs: EVERY_MS, oncePerViewer: true } };
    const ours = await own(path, KEPT, { live: "Asking", over: () => this.#over(), options: { signals } });
    if (!ours) return;
    this.#room = ours.room;
    ours.room.audience.subscribe(showAudience);
    ours.room.on("vote", ({ counts }) => counts && this.#count(counts));
    listenToEditor((text, answers) => this.#ask(text, answers), () => this.#show(), signal);
    button("toggle").addEventListener("click", () => this.#turn(), { signal });
    button("renew").addEventListener("click", () => showEditor(true), { signal });
    button("end").addEventListener("click", ours.end, { signal });
    this.#goOn(ours.room.state);
  }

  /** Shows the room's state after a reload of this window, or else the editor. @param {{ get(key: string): any }} state */
  #goOn(state) {
    this.#question = asQuestion(state.get("question")?.[0]);
    if (!this.#question) return showEditor(false);
    const [round, totals] = state.get("totals") ?? [];
    this.#totals = round === this.#question.round ? totals : this.#question.answers.map(() => 0);
    this.#show();
  }

  /** @param {string} text @param {string[]} answers */
  #ask(text, answers) {
    this.#question = { round: (this.#question?.round ?? 0) + 1, text, answers, isOpen: true };
    this.#totals = answers.map(() => 0);
    this.#late = undefined;
    this.#closedAt = -LATE_MS;
    // The count starts at zero. Late votes for the former question have another round.
    void this.#room?.clear("vote");
    this.#say("question", [this.#question]);
    this.#say("totals", [this.#question.round, this.#totals]);
    this.#show();
    element("live").textContent = "Your question is asked.";
  }

  /** Closes the vote, or opens it again. */
  #turn() {
    if (!this.#question) return;
    const isOpen = !this.#question.isOpen;
    this.#question = { ...this.#question, isOpen };
    this.#closedAt = isOpen ? -LATE_MS : performance.now();
    if (isOpen && this.#late) this.#totals = this.#late;
    this.#late = undefined;
    this.#say("question", [this.#question]);
    this.#say("totals", [this.#question.round, this.#totals]);
    this.#showPhase();
    element("live").textContent = isOpen ? "The vote is open." : `The vote is closed. ${inWords(this.#totals, this.#question)}`;
  }

  /** @param {[params: any[], count: number][]} counts */
  #count(counts) {
    const question = this.#question;
    if (!question) return;
    const totals = tally(counts, question);
    if (!question.isOpen && performance.now() - this.#closedAt > LATE_MS) {
      this.#late = totals;
      return;
    }
    this.#totals = totals;
    showTotals(totals, question);
    this.#say("totals", [question.round, totals]);
    clearTimeout(this.#calm);
    this.#calm = setTimeout(() => (element("live").textContent = inWords(totals, question)), CALM_MS);
  }

  /** @param {string} key @param {any[]} params */
  #say(key, params) {
    // Without a connection the newest value of each key waits for one.
    void this.#room?.publish(key, params, { state: true });
  }

  #show() {
    if (!this.#question) return;
    element("editor").hidden = true;
    showQuestion(this.#question);
    this.#showPhase();
    element("asked").focus();
  }

  #showPhase() {
    if (!this.#question) return;
    showPhase(this.#question);
    showTotals(this.#totals, this.#question);
    button("toggle").textContent = this.#question.isOpen ? "Close the vote" : "Open the vote again";
  }

  #over() {
    this.#ended.abort();
    clearTimeout(this.#calm);
    element("editor").hidden = true;
    element("ballot").hidden = true;
    current = undefined;
  }
}

/** @param {{ viewers: number, lagging: number }} audience */
function showAudience({ viewers, lagging }) {
  element("viewers").textContent = viewers.toLocaleString("en");
  const lag = lagging > 0 ? `, ${lagging.toLocaleString("en")} catching up` : "";
  element("watching").textContent = (viewers === 1 ? "pupil is here" : "pupils are here") + lag;
}

// The window that votes: one vote that may be changed, and what became of it. Must not know who asks.

import { attend } from "./attendance.js";
import { asQuestion, showChoice, showPhase, showQuestion, showTotals } from "./ballot.js";
import { element } from "./element.js";

/** @typedef {import("./ballot.js").Question} Question */

/**
 * One's vote in a round. The server counts a viewer's newest vote. An older server takes each connection for another viewer; there
 * a vote that was counted on an older connection cannot be changed.
 * @typedef {object} Vote
 * @property {number} round
 * @property {number} answer
 * @property {"sent" | "counted" | "unsure"} is `counted`: totals have come that show it. `unsure`: cut off before that.
 * @property {number} [seen] How many had chosen this answer when it was sent.
 * @property {number} [line] The connection it was said on, if that was one of this page.
 * @property {Vote} [before] What counts if this one is refused.
 */

/** Under which name this browser keeps its vote, so that no reload and no other tab votes twice. */
const KEPT = "voted";

/** What is said where there is no connection. */
const OFFLINE = "There is no connection at the moment: nothing was sent. Choose again when it is back.";

/** @type {Record<string, string>} Why a vote was refused. */
const REFUSALS = {
  rate: "Not counted. That was too fast. Choose again in a second.",
  unavailable: "Not counted. The server takes none at the moment. Choose again in a second.",
  offline: OFFLINE,
  busy: OFFLINE,
};

/**
 * Votes in a room.
 * @param {string} path Where the server's WebSocket is.
 * @param {string} uuid
 */
export function vote(path, uuid) {
  // One vote for each browser, where the server knows who is who: over reloads and tabs.
  const show = attend(path, uuid, { identity: shared() });
  /** @type {Question | undefined} */
  let question;
  /** @type {number[]} */
  let totals = [];
  /** @type {Vote | undefined} */
  let own = kept(uuid);
  /** The number of the connection. */
  let line = 0;
  let isAway = false;
  /** What was wrong with the last try. */
  let trouble = "";

  const isFinal = () => own !== undefined && own.is !== "unsure" && own.line !== line && show.number === undefined;

  /** @param {number} answer */
  function choose(answer) {
    if (!question?.isOpen || isFinal() || (own?.answer === answer && own.is !== "unsure")) return;
    const { round } = question;
    trouble = "";
    const vote = /** @type {Vote} */ ({ round, answer, is: "sent", seen: totals[answer], line, before: own });
    keep(vote);
    show.signal("vote", [round, answer]).catch(({ code }) => own === vote && refuse(code));
    look();
  }

  /** The newest vote does not count: the one before does. @param {string} code */
  function refuse(code) {
    trouble = REFUSALS[code] ?? "Not counted. The server did not understand it. Choose again in a second.";
    keep(own?.before);
    look();
  }

  /** @param {Vote | undefined} vote */
  function keep(vote) {
    own = vote;
    try {
      if (!vote) return shared()?.removeItem(KEPT);
      const { round, answer, is } = vote;
      shared()?.setItem(KEPT, JSON.stringify({ uuid, vote: { round, answer, is } }));
    } catch {
      // A storage that takes nothing: the vote is known until the page is left.
    }
  }

  function look() {
    if (!question) return;
    showPhase(question);
    showTotals(totals, question);
    showChoice(own?.answer, question.isOpen && !isFinal());
    const words = trouble || outcome(question, own, isFinal(), isAway);
    // Said once: a live region reads out what is written anew.
    if (element("outcome").textContent !== words) element("outcome").textContent = words;
  }

  show.entered.then(() => (element("waiting").hidden = question !== undefined), () => {});
  show.on("question", (said) => {
    const next = asQuestion(said);
    if (!next) return;
    const isNew = JSON.stringify([next.round, next.answers]) !== JSON.stringify([question?.round, question?.answers]);
    question = next;
    element("waiting").hidden = true;
    if (isNew) {
      trouble = "";
      totals = next.answers.map(() => 0);
      if (own && own.round !== next.round) keep(undefined);
      showQuestion(next, choose);
      element("live").textContent = `${next.text} ${next.answers.join(", ")}.`;
    }
    look();
  });
  show.on("totals", (round, counts) => {
    if (round !== question?.round || !Array.isArray(counts)) return;
    totals = counts.map(Number);
    if (own?.is === "sent" && own.line === line && Number(totals[own.answer]) > Number(own.seen)) {
      keep({ ...own, is: "counted", before: undefined });
    }
    look();
  });
  show.listen("refused", ({ code }) => refuse(code));
  show.status.subscribe(({ name, code }) => {
    isAway = name === "away";
    if (code !== undefined) {
      line += 1;
      if (own?.is === "sent") keep({ ...own, is: "unsure" });
    }
    look();
  });
}

/** What all windows of this browser share; nothing where the browser forbids it. */
function shared() {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

/**
 * What is said of one's vote.
 * @param {Question} question
 * @param {Vote | undefined} own
 * @param {boolean} isFinal
 * @param {boolean} isAway
 */
function outcome({ answers, isOpen }, own, isFinal, isAway) {
  const answer = own && (answers[own.answer] ?? "");
  const until = isFinal ? "It cannot be changed from here any more." : "You can change it until the vote is closed.";
  if (!own) return isOpen ? "Choose an answer. You can change it until the vote is closed." : "You did not vote.";
  if (own.is === "unsure") {
    const again = isOpen ? " Choose again if it is missing." : "";
    return `The connection was lost before your vote for “${answer}” was confirmed.${again}`;
  }
  if (!isOpen) return `You voted for “${answer}”.`;
  if (own.is === "counted") return `Your vote for “${answer}” is counted. ${until}`;
  if (isFinal) return `Your vote for “${answer}” was sent before. ${until}`;
  if (isAway) return `Your vote for “${answer}” is sent. The totals come when the presenter is back.`;
  return `Your vote for “${answer}” is sent…`;
}

/** The vote that this browser sent before, whatever its storage holds. @param {string} uuid @returns {Vote | undefined} */
function kept(uuid) {
  try {
    const { uuid: of, vote } = JSON.parse(shared()?.getItem(KEPT) ?? "{}");
    const isVote = of === uuid && Number.isInteger(vote.round) && Number.isInteger(vote.answer) && typeof vote.is === "string";
    return isVote ? vote : undefined;
  } catch {
    return undefined;
  }
}

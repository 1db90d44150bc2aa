// The window that votes: sends one vote, which may be changed, and shows its outcome.

import { attend } from "./attendance.js";
import { asQuestion, showChoice, showPhase, showQuestion, showTotals } from "./ballot.js";
import { element } from "./element.js";

/** @typedef {import("./ballot.js").Question} Question */

/**
 * The viewer's vote in a round. The server counts a viewer's newest vote. For an older server each connection is another viewer, so
 * a vote that was counted on a former connection cannot be changed there.
 * @typedef {object} Vote
 * @property {number} round
 * @property {number} answer
 * @property {"sent" | "counted" | "unsure"} is `counted`: new totals contain it. `unsure`: the connection was lost before that.
 * @property {number} [seen] The votes for this answer when this vote was sent.
 * @property {number} [line] The connection on which it was sent, if it was one of this page.
 * @property {Vote} [before] The vote that counts if this one is refused.
 */

/** The name under which this browser stores its vote, so that no reload and no other tab votes twice. */
const KEPT = "voted";

/** The text for a vote without a connection. */
const OFFLINE = "There is no connection at the moment: nothing was sent. Choose again when it is back.";

/** @type {Record<string, string>} The texts for a refused vote, by code. */
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
  // One vote for each browser, over reloads and tabs, if the server recognizes viewers.
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
  /** The text about the failure of the last vote. */
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

  /** Restores the former vote, since the newest one does not count. @param {string} code */
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
      // Without a storage the vote is known until the page is left.
    }
  }

  function look() {
    if (!question) return;
    showPhase(question);
    showTotals(totals, question);
    showChoice(own?.answer, question.isOpen && !isFinal());
    const words = trouble || outcome(question, own, isFinal(), isAway);
    // A live region reads out every write, so the same text is not written again.
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

/** Returns the storage that all windows of this browser share; `undefined` if the browser forbids it. */
function shared() {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

/**
 * Returns the text about the viewer's vote.
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

/** Returns the vote that this browser has stored, if it is valid. @param {string} uuid @returns {Vote | undefined} */
function kept(uuid) {
  try {
    const { uuid: of, vote } = JSON.parse(shared()?.getItem(KEPT) ?? "{}");
    const isVote = of === uuid && Number.isInteger(vote.round) && Number.isInteger(vote.answer) && typeof vote.is === "string";
    return isVote ? vote : undefined;
  } catch {
    return undefined;
  }
}

// A question, its answers and their totals: parses them from messages and shows them. Must not know the connection.

import { element } from "./element.js";

/**
 * A question. Its `round` distinguishes its votes from those for other questions.
 * @typedef {{ round: number, text: string, answers: string[], isOpen: boolean }} Question
 */

/** The most answers of a question. */
export const ANSWERS_MAX = 8;

/** Returns the question in a message, if it is valid. @param {any} said @returns {Question | undefined} */
export function asQuestion(said) {
  const { round, text, answers, isOpen } = said ?? {};
  if (!Number.isSafeInteger(round) || typeof text !== "string" || !Array.isArray(answers)) return undefined;
  if (answers.length > ANSWERS_MAX || answers.some((answer) => typeof answer !== "string")) return undefined;
  return { round, text, answers, isOpen: isOpen === true };
}

/**
 * Returns the number of votes for each answer. Ignores votes of another round, or for no answer, which no page of ours sends.
 * @param {[params: any[], count: number][]} counts As the server counts them.
 * @param {Question} question
 */
export function tally(counts, { round, answers }) {
  const totals = answers.map(() => 0);
  for (const [[of, answer, ...rest], count] of counts) {
    if (of === round && rest.length === 0 && Number.isSafeInteger(answer) && answer in totals) totals[answer] += count;
  }
  return totals;
}

/**
 * Shows a question.
 * @param {Question} question
 * @param {(answer: number) => void} [choose] Called with a clicked answer; without it answers are only shown.
 */
export function showQuestion(question, choose) {
  element("asked").textContent = question.text;
  element("answers").replaceChildren(...question.answers.map((words, answer) => row(words, choose && (() => choose(answer)))));
  element("ballot").hidden = false;
  showPhase(question);
}

/** Shows whether a question accepts votes. @param {Question} question */
export function showPhase({ isOpen }) {
  element("phase").textContent = isOpen ? "The vote is open" : "The vote is closed";
  element("phase").classList.toggle("closed", !isOpen);
}

/** @param {string} words @param {() => void} [choose] */
function row(words, choose) {
  const item = document.createElement("li");
  const box = document.createElement(choose ? "button" : "div");
  box.className = "answer";
  for (const part of ["fill", "words", "share"]) {
    const span = document.createElement("span");
    span.className = part;
    if (part === "words") span.textContent = words;
    box.append(span);
  }
  if (choose) {
    box.setAttribute("type", "button");
    box.addEventListener("click", choose);
  }
  item.append(box);
  return item;
}

/**
 * Shows the votes for each answer.
 * @param {number[]} totals
 * @param {Question} question
 */
export function showTotals(totals, { isOpen }) {
  const sum = totals.reduce((all, one) => all + one, 0);
  const most = Math.max(...totals);
  boxes().forEach((box, answer) => {
    const count = totals[answer] ?? 0;
    const percent = sum > 0 ? Math.round((count / sum) * 100) : 0;
    /** @type {HTMLElement} */ (box.querySelector(".fill")).style.width = `${percent}%`;
    const share = /** @type {HTMLElement} */ (box.querySelector(".share"));
    share.textContent = `${votes(count)} · ${percent} %`;
    box.classList.toggle("first", !isOpen && count > 0 && count === most);
  });
  element("turnout").textContent = `${votes(sum)} in all`;
}

/**
 * Marks the viewer's own answer, and shows whether another one may be chosen.
 * @param {number | undefined} own
 * @param {boolean} mayChoose
 */
export function showChoice(own, mayChoose) {
  boxes().forEach((box, answer) => {
    box.setAttribute("aria-pressed", String(answer === own));
    // Not `disabled`: the element would lose the keyboard's focus.
    box.setAttribute("aria-disabled", String(!mayChoose));
  });
}

/** Returns the totals as a sentence for screen readers. @param {number[]} totals @param {Question} question */
export const inWords = (totals, { answers }) => answers.map((answer, at) => `${answer}: ${votes(totals[at] ?? 0)}`).join(". ");

/** @param {number} count */
const votes = (count) => `${count.toLocaleString("en")} ${count === 1 ? "vote" : "votes"}`;

const boxes = () => /** @type {NodeListOf<HTMLElement>} */ (element("answers").querySelectorAll(".answer"));

// A question, its answers and their totals, as they are said and as they are shown. Must not know the connection, nor who asks.

import { element } from "./element.js";

/**
 * What is asked. `round` tells the votes of one question from those of another.
 * @typedef {{ round: number, text: string, answers: string[], isOpen: boolean }} Question
 */

/** The most answers of a question. */
export const ANSWERS_MAX = 8;

/** A message's question, if it is one. @param {any} said @returns {Question | undefined} */
export function asQuestion(said) {
  const { round, text, answers, isOpen } = said ?? {};
  if (!Number.isSafeInteger(round) || typeof text !== "string" || !Array.isArray(answers)) return undefined;
  if (answers.length > ANSWERS_MAX || answers.some((answer) => typeof answer !== "string")) return undefined;
  return { round, text, answers, isOpen: isOpen === true };
}

/**
 * How many chose each answer of a question. What is not of this round, or of no answer, was said by nobody's page.
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
 * @param {(answer: number) => void} [choose] What an answer does; without it answers are only shown.
 */
export function showQuestion(question, choose) {
  element("asked").textContent = question.text;
  element("answers").replaceChildren(...question.answers.map((words, answer) => row(words, choose && (() => choose(answer)))));
  element("ballot").hidden = false;
  showPhase(question);
}

/** Whether a question takes votes. @param {Question} question */
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
 * Shows how many chose what.
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
 * Shows which answer is one's own, and whether another may be chosen.
 * @param {number | undefined} own
 * @param {boolean} mayChoose
 */
export function showChoice(own, mayChoose) {
  boxes().forEach((box, answer) => {
    box.setAttribute("aria-pressed", String(answer === own));
    // Not disabled: whoever is on it with the keyboard would be nowhere.
    box.setAttribute("aria-disabled", String(!mayChoose));
  });
}

/** The totals, for those who hear them. @param {number[]} totals @param {Question} question */
export const inWords = (totals, { answers }) => answers.map((answer, at) => `${answer}: ${votes(totals[at] ?? 0)}`).join(". ");

/** @param {number} count */
const votes = (count) => `${count.toLocaleString("en")} ${count === 1 ? "vote" : "votes"}`;

const boxes = () => /** @type {NodeListOf<HTMLElement>} */ (element("answers").querySelectorAll(".answer"));

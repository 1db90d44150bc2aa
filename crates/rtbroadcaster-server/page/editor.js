// The form for a new question. Must not know how the question is published.

import { ANSWERS_MAX } from "./ballot.js";
import { button, element, input } from "./element.js";

/** The fewest answers: a question needs a choice. */
const ANSWERS_MIN = 2;

/** The longest answer, in characters. */
const ANSWER_LENGTH_MAX = 100;

/**
 * Adds the listeners of the form.
 * @param {(text: string, answers: string[]) => void} ask Called with a complete question.
 * @param {() => void} back
 * @param {AbortSignal} signal
 */
export function listenToEditor(ask, back, signal) {
  element("editor").addEventListener("submit", (event) => {
    event.preventDefault();
    submit(ask);
  }, { signal });
  element("editor").addEventListener("input", () => mistake(""), { signal });
  element("editor").addEventListener("keydown", (event) => {
    // Enter moves to the next field, so that it does not submit an incomplete question.
    if (event.key !== "Enter" || event.isComposing || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    const all = [input("question"), ...fields()];
    (all[all.indexOf(event.target) + 1] ?? button("ask")).focus();
  }, { signal });
  button("add").addEventListener("click", () => add()?.focus(), { signal });
  button("back").addEventListener("click", back, { signal });
}

/**
 * Shows the form, empty.
 * @param {boolean} canGoBack
 */
export function showEditor(canGoBack) {
  input("question").value = "";
  element("fields").replaceChildren();
  for (let answer = 0; answer < ANSWERS_MIN; answer++) add();
  mistake("");
  button("back").hidden = !canGoBack;
  element("ballot").hidden = true;
  element("editor").hidden = false;
  input("question").focus();
}

const fields = () => /** @type {HTMLInputElement[]} */ ([...element("fields").querySelectorAll("input")]);

/** Adds a field for an answer, unless there are as many as possible. */
function add() {
  if (fields().length >= ANSWERS_MAX) return undefined;
  const item = document.createElement("li");
  const field = document.createElement("input");
  field.type = "text";
  field.maxLength = ANSWER_LENGTH_MAX;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "round";
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", "/page/icons.svg#remove");
  picture.append(use);
  remove.append(picture);
  remove.addEventListener("click", () => {
    const at = fields().indexOf(field);
    item.remove();
    number();
    fields()[Math.min(at, fields().length - 1)]?.focus();
  });
  item.append(field, remove);
  element("fields").append(item);
  number();
  return field;
}

/** Numbers the fields. */
function number() {
  const all = fields();
  all.forEach((field, at) => {
    field.setAttribute("aria-label", `Answer ${at + 1}`);
    field.placeholder = `Answer ${at + 1}`;
    const remove = /** @type {HTMLButtonElement} */ (field.nextElementSibling);
    remove.setAttribute("aria-label", `Remove answer ${at + 1}`);
    remove.hidden = all.length <= ANSWERS_MIN;
  });
  button("add").hidden = all.length >= ANSWERS_MAX;
}

/** @param {(text: string, answers: string[]) => void} ask */
function submit(ask) {
  const text = input("question").value.trim();
  const filled = fields().filter((field) => field.value.trim() !== "");
  const answers = filled.map((field) => field.value.trim());
  const twice = filled.find((_, at) => answers.indexOf(answers[at] ?? "") < at);
  if (text === "") return mistake("Write a question first.", input("question"));
  if (answers.length < ANSWERS_MIN) {
    return mistake("A question needs two answers or more.", fields().find((field) => !filled.includes(field)));
  }
  if (twice) return mistake("Two answers are the same.", twice);
  mistake("");
  ask(text, answers);
}

/** @param {string} words @param {HTMLInputElement} [where] */
function mistake(words, where) {
  element("mistake").textContent = words;
  for (const field of [input("question"), ...fields()]) field.removeAttribute("aria-invalid");
  where?.setAttribute("aria-invalid", "true");
  where?.focus();
}

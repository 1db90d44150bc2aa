// Shows the slides, the colour and the pointer on the stage. Must not know where they come from.

import { button, element, input } from "./element.js";

const SVG = "http://www.w3.org/2000/svg";

/** @type {HTMLElement[]} */
const slides = [];

/** Puts the slides on the stage, with their pictures. */
export function lay() {
  const deck = /** @type {HTMLTemplateElement} */ (element("deck"));
  element("slides").replaceChildren(deck.content.cloneNode(true));
  slides.splice(0, slides.length, .../** @type {HTMLElement[]} */ ([...element("slides").children]));
  for (const slide of slides) {
    const picture = document.createElementNS(SVG, "svg");
    picture.setAttribute("viewBox", "0 0 240 160");
    picture.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `/page/art.svg#${slide.dataset.art}`);
    picture.append(use);
    slide.append(picture);
  }
  element("total").textContent = String(slides.length);
  showSlide(1);
  showHue(Number(input("hue").value));
  hidePointer();
}

/** Returns the number of slides. */
export const slideCount = () => slides.length;

/**
 * Shows a slide. Ignores an invalid number.
 * @param {unknown} number From 1.
 */
export function showSlide(number) {
  const shown = slides[Number(number) - 1];
  if (!shown) return;
  for (const slide of slides) {
    slide.classList.toggle("shown", slide === shown);
    slide.toggleAttribute("inert", slide !== shown);
  }
  const title = shown.querySelector("h2")?.textContent ?? "";
  element("number").textContent = String(number);
  element("stage").setAttribute("aria-label", `Slide ${number} of ${slides.length}: ${title}`);
  button("previous").disabled = number === 1;
  button("next").disabled = number === slides.length;
}

/** Returns the text of the current slide for screen readers. */
export function slideInWords() {
  const shown = slides.find((slide) => slide.classList.contains("shown"));
  const words = [...(shown?.children ?? [])].map((child) => child.textContent?.replace(/\s+/g, " ").trim());
  return `${element("number").textContent} of ${slides.length}. ${words.filter(Boolean).join(". ")}`;
}

/** @param {unknown} hue In degrees. */
export function showHue(hue) {
  if (!Number.isFinite(hue)) return;
  input("hue").value = String(hue);
  document.documentElement.style.setProperty("--hue", input("hue").value);
}

/**
 * @param {unknown} x From 0 to 1, as `y`.
 * @param {unknown} y
 */
export function showPointer(x, y) {
  if (!Number.isFinite(x) || !Number.isFinite(y)) return hidePointer();
  const pointer = element("pointer");
  pointer.hidden = false;
  pointer.style.left = `${Number(x) * 100}%`;
  pointer.style.top = `${Number(y) * 100}%`;
}

export function hidePointer() {
  element("pointer").hidden = true;
}

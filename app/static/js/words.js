// French as the scripts print it, and the small pieces of page they build: no HTML text, only nodes.

export const NB = "\u00a0"; // before : » € %, after « and n°
export const THIN = "\u202f"; // before ; ! ?

const SPRITE = new URL("../vendor/icons.svg", import.meta.url).href;
const TONES = { danger: "exclamation-circle", warn: "exclamation-triangle", ok: "check-circle", info: "info-circle" };

export function size(bytes) {
  if (bytes < 1024) return `${bytes}${NB}octets`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)}${NB}Ko`;
  return `${(bytes / 1024 / 1024).toFixed(1).replace(".", ",").replace(",0", "")}${NB}Mo`;
}

export function quoted(text) {
  return `«${NB}${text}${NB}»`;
}

export function longDate(date) {
  return date.toLocaleDateString("fr-FR", { day: "numeric", month: "long", year: "numeric" }).replace(/^1 /, "1er ");
}

export function icon(name, cls = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `ic ${cls}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// The same notice as macros/ui.html draws: title, sentence, remedies.
export function notice(tone, title, text = "", ...remedies) {
  const words = element("div", {}, element("p", { class: "note-t" }, title));
  if (text) words.append(element("p", { class: "small" }, text));
  if (remedies.length) words.append(element("div", { class: "btnrow" }, ...remedies));
  return element("div", { class: `note note-${tone}` }, icon(TONES[tone]), words);
}

export function csrf() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

// What a server refusal says (RFC 9457), or null when the answer is not one.
export function problemFrom(contentType, text) {
  if (!/json/.test(contentType ?? "")) return null;
  try {
    const { title, detail, status, key, documents, folder } = JSON.parse(text);
    return { title: title ?? "", detail: detail ?? "", status, key: key ?? "", documents: documents ?? null, folder: folder ?? null };
  } catch {
    return null;
  }
}

// A page that came back instead of a problem in JSON still carries its sentence.
export function sentenceIn(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const where = page.querySelector("main .note-danger, main .empty, main [role=alert]");
  const title = where?.querySelector(".note-t, h1") ?? where;
  const detail = where?.querySelector("p:not(.note-t)");
  return { title: title?.textContent.trim() ?? "", detail: detail?.textContent.trim() ?? "" };
}

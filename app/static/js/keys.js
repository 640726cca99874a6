// One-letter keys for those who read eighty folders a day; none of them signs or rejects by itself.
import { typing } from "./dialogs.js";
import { unsent } from "./forms.js";

const ROW = ".frow, .hit, [data-rows] tr";
const GESTURES = ".batchbar:has([data-selected]) .end [type=submit]";
let cursor = -1;
let leaving = null; // another page is on its way: a key is meant for that one

function leave() {
  stay();
  leaving = setTimeout(stay, 20_000); // it never came
}

// It was given up: this page is the one that is read, and the keys are its own again.
function stay() {
  clearTimeout(leaving);
  leaving = null;
}

function rows() {
  return [...document.querySelectorAll(ROW)];
}

function moveTo(index) {
  const all = rows();
  if (!all.length) return;
  all[cursor]?.classList.remove("is-cursor");
  cursor = Math.max(0, Math.min(index, all.length - 1));
  all[cursor].classList.add("is-cursor");
  (all[cursor].querySelector(".ftitle") ?? all[cursor].querySelector("a"))?.focus();
}

function tick() {
  const box = rows()[cursor]?.querySelector(".fcheck input");
  box?.click();
}

function visible(selector) {
  return [...document.querySelectorAll(selector)].find((one) => one.offsetParent !== null || one.getClientRects().length > 0);
}

// What a small screen holds behind « … » answers to its key all the same.
const keyed = (key) => visible(`[data-key="${key}"]`) ?? document.querySelector(`.bar-acts [data-key="${key}"]`);

// What may not be pressed yet says why.
function press(act) {
  if (!act.disabled) return void act.click();
  const why = document.getElementById(act.getAttribute("aria-describedby"));
  if (!why) return;
  why.tabIndex = -1;
  why.focus();
}

function go(address) {
  leave();
  location.assign(address);
}

function search() {
  const field = visible("input[type=search], input[name=q]");
  const page = document.querySelector("[data-search]")?.dataset.search;
  if (field) field.focus();
  else if (page) go(page);
}

// The words of a new note, wherever the folder is open.
function note() {
  const field = document.getElementById("note");
  const tab = document.getElementById("onglet-notes");
  if (!field) return void go(`${tab.href}#note`);
  field.closest("details").open = true;
  field.focus({ preventScroll: true });
  field.labels[0].scrollIntoView(); // the rest of the form follows it
}

// What each key of the help needs on the page; the others need an act that bears them.
const NEEDS = {
  j: () => rows().length || visible('[data-key="j"]'),
  k: () => rows().length || visible('[data-key="k"]'),
  entrée: () => rows().length,
  x: () => document.querySelector(".frow .fcheck input"),
  n: () => document.getElementById("onglet-notes"),
  g: () => visible(GESTURES),
  "/": () => visible("input[type=search], input[name=q]") || document.querySelector("[data-search]"),
  échap: () => true,
  "?": () => true,
};

// The help lists the keys that do something here.
function list() {
  for (const name of document.querySelectorAll("#help .keys kbd")) {
    const key = name.textContent.toLowerCase();
    const term = name.parentElement;
    term.hidden = term.nextElementSibling.hidden = !(NEEDS[key] ? NEEDS[key]() : keyed(key) && !keyed(key).disabled);
  }
}

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]") || document.querySelector(".placebar")) return;
  if (event.key === "Escape" && event.target.id === "note") return event.target.blur(); // the words stay, the keys serve again
  if (typing(event.target, ", summary, form:has([data-apart])")) return;
  if (event.key === "Escape") return void document.querySelector("[data-select-none]")?.click();
  if (document.body.dataset.shortcuts !== "on") return;
  const key = event.key.toLowerCase();
  const acts = {
    j: () => (rows().length ? moveTo(cursor + 1) : visible('[data-key="j"]')?.click()),
    k: () => (rows().length ? moveTo(cursor - 1) : visible('[data-key="k"]')?.click()),
    x: tick,
    g: () => visible(GESTURES)?.focus(),
    n: document.getElementById("onglet-notes") && note,
    "/": search,
    "?": () => document.querySelector('[data-opens="help"]')?.click(),
  };
  const act = acts[key] ?? (/^[a-z]$/.test(key) && keyed(key) && (() => press(keyed(key))));
  if (!act) return;
  event.preventDefault();
  // Held down, a key is pressed once: the folder that it opens was read by nobody
  if (event.repeat && !("jk".includes(key) && rows().length)) return;
  if (leaving || document.querySelector("form:is([data-sent], [data-preparing])")) return;
  if ("jk/".includes(key) && unsent()) return;
  act();
}

export function startKeys() {
  if (location.hash === "#note" && document.getElementById("note")) note();
  document.addEventListener("keydown", pressed);
  window.addEventListener("pageshow", stay);
  // Échap ends the coming of a page, and so does the button of the browser, which says so where it can
  window.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && stay());
  globalThis.navigation?.addEventListener("navigate", ({ signal }) => {
    const own = leaving;
    signal.addEventListener("abort", () => leaving === own && stay()); // and not for the one that took its place
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.('[data-opens="help"]')) list();
    if (!event.defaultPrevented && event.target.closest?.("a.ftitle, a[data-key], [data-rows] a")?.matches(":not([download], [target])") && !event.ctrlKey && !event.metaKey && !event.shiftKey) leave();
    const form = event.target.closest?.("summary")?.parentElement;
    const field = form?.querySelector("textarea");
    if (!field || form.open || event.defaultPrevented) return;
    event.preventDefault(); // opened here and now: the next key is a letter of it
    form.open = true;
    field.focus();
  });
  // Entrée is the link's own key: the cursor follows the focus, so the row that has it is the row that opens.
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest?.(ROW);
    if (!row) return;
    const all = rows();
    all[cursor]?.classList.remove("is-cursor");
    cursor = all.indexOf(row);
    row.classList.add("is-cursor");
  });
}

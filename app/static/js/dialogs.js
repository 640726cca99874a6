// One native dialog at a time: opened by a button or by htmx, closed by Escape, and the focus goes back where it was.
import { restoreNotes } from "./forms.js";
import { restored, seen } from "./session.js";

const FIRST = "[autofocus], input:not([type=hidden]):not([type=radio]):not([hidden]), textarea, select, input[type=radio]:checked";
const PLACES = ["dialog", "panel"]; // where htmx puts fragments
const TYPING = "input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=submit]), textarea, select, [contenteditable]";
// Until the next frame the browser leaves the focus in the field of a dialog that has just been closed.
export const typing = (where, also = "") => Boolean(where.closest?.(TYPING + also) && !where.closest("dialog:not([open])"));
const LONG = 20_000; // ms that a dialog may take to come: a line that is cut says nothing by itself
const PROBE = 5_000; // ms in which a server that is there says who is logged in
const openers = new WeakMap(); // the dialog: what opened it
const places = new WeakMap(); // the dialog: what had the focus then, to which the browser gives it back
const HELD = /^(.|Enter|Backspace|Escape)$/u; // the other keys, Tab or F5, decide nothing
let coming = null; // the request of a dialog, or what else is awaited in its stead: abort() gives it up
let landing = null; // the words that were kept come back into the dialog
let ahead = ""; // what is typed meanwhile
let began = null; // where the last key was pressed
let last = ""; // that key
let unanswered = null; // what tells that nothing answers (`unanswered.js`)
let opening = ""; // the key that asked for the dialog

function openDialog(dialog, from) {
  if (!dialog.open) {
    for (const other of document.querySelectorAll("dialog[open]")) other.close();
    openers.set(dialog, from);
    places.set(dialog, document.activeElement);
    dialog.showModal();
  }
  const title = dialog.querySelector("h2[id]");
  if (title) dialog.setAttribute("aria-labelledby", title.id);
  (dialog.querySelector("[data-first]") ?? dialog.querySelector(FIRST) ?? title ?? dialog).focus();
}

// A dialog set aside keeps its content and comes back with reopen(): the signature is being placed on the page.
export function setAside(dialog) {
  dialog.dataset.aside = "yes";
  dialog.close();
}

export function reopen(dialog) {
  delete dialog.dataset.aside;
  if (!dialog.open) dialog.showModal();
}

// To what opened it; where that is behind « … » again, to « … ».
function back(from) {
  from?.focus();
  if (document.activeElement !== from) from?.closest(".bar-acts")?.previousElementSibling.focus();
}

function closed(event) {
  const dialog = event.target;
  if (!(dialog instanceof HTMLDialogElement) || dialog.open || dialog.dataset.aside) return;
  const focused = document.activeElement ?? document.body;
  // The event comes some time after the dialog is gone: who has moved on meanwhile keeps the new place.
  // The title that had the focus when it opened is no place to go on from; one that was given it since is.
  const title = focused === places.get(dialog) && focused.tabIndex < 0;
  if (focused === document.body || title || dialog.contains(focused)) back(openers.get(dialog));
  openers.delete(dialog);
  places.delete(dialog);
  if (dialog.id === "dialog") dialog.replaceChildren();
}

function clicked(event) {
  const opens = event.target.closest("[data-opens]");
  if (opens) {
    event.preventDefault();
    openDialog(document.getElementById(opens.dataset.opens), opens);
    return;
  }
  // Without a dialog around it, a closing link is a plain link: the page of a browser without script.
  const close = event.target.closest("dialog [data-close]");
  if (close) {
    event.preventDefault();
    close.closest("dialog").close();
  }
}

// One dialog comes at a time, and none over what is typed in the one that is open.
function beforeRequest(event) {
  const { target, xhr, requestConfig } = event.detail;
  if (target.id !== "dialog") return;
  if (coming || target.open) return void event.preventDefault();
  [coming, ahead] = [xhr, ""];
  opening = requestConfig.triggeringEvent?.isTrusted ? "" : last; // a key presses by script
  xhr.timeout = LONG;
}

function afterRequest(event) {
  if (coming === event.detail.xhr) coming = null;
}

// A key that is held down and finds the focus elsewhere than where it was pressed writes nothing there, and presses nothing;
// only rows are walked so.
function strays(event) {
  if (event.repeat) return event.target !== began && (!/^[jk]$/i.test(event.key) || typing(event.target));
  [began, last] = [event.target, event.key];
  return false;
}

// Until it is open, what is typed is for the dialog: no letter of it is a verb, no space presses what has the focus.
function held(event) {
  const { key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || !HELD.test(key)) return;
  const open = document.querySelector("dialog[open]"); // closed meanwhile, it waits for no words
  const awaited = landing && open ? key !== "Escape" : coming && !open && !typing(event.target);
  if (!strays(event) && !awaited) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (event.repeat || !awaited) return;
  if (key === "Escape") giveUp();
  else if (key === "Backspace") ahead = ahead.slice(0, -1);
  else if (key.length === 1) ahead += key;
}

function giveUp() {
  coming.abort();
  coming = null;
}

// What was typed meanwhile is words, and so is what follows it; they come after those that were kept. The key that asked
// for the dialog, pressed again because it was slow to come, is no word.
async function written(dialog) {
  const own = (landing = restoreNotes(dialog).catch(() => {}));
  await own;
  if (landing === own) landing = null;
  const area = dialog.querySelector("textarea");
  if (!dialog.open || !area || ![...ahead].some((one) => one !== opening && one !== " ")) return;
  area.focus();
  const end = area.value.length;
  area.setRangeText(`${/\S$/.test(area.value) ? " " : ""}${ahead}`, end, end, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

// What never comes gives the keys back.
function wait(own) {
  coming = own;
  setTimeout(() => {
    if (coming === own) coming = null;
  }, LONG);
}

export const whereUnanswered = (tells) => (unanswered = tells);

function go(address) {
  wait({ abort: () => window.stop() });
  window.location.assign(address);
}

// The session was over: asked again once it is open. Where even the login could not be drawn here, its page is.
async function again(link) {
  const own = { abort: () => (own.given = true) };
  if (coming) wait(own);
  const back = await restored();
  if (coming === own) coming = null;
  if (own.given) return;
  if (back) link?.click();
  else if (back === null && link?.href) go(link.href);
}

// A whole page where a fragment was asked (the session is over, a view without fragment): go to that page.
function beforeSwap(event) {
  const { target, xhr, requestConfig } = event.detail;
  if (!PLACES.includes(target.id) || !/^\s*<!doctype/i.test(xhr.responseText)) return;
  event.detail.shouldSwap = false;
  if (new URL(xhr.responseURL).pathname !== "/login") return void go(requestConfig?.verb === "get" ? xhr.responseURL : window.location.href);
  again(requestConfig?.elt);
}

// Where a server answers, what did not come is a page of its own; where none does, the page stays as it is, and says so.
async function networkFailed(event) {
  const { target, elt } = event.detail;
  if (!PLACES.includes(target?.id) || !elt?.href) return;
  const own = { abort: () => (own.given = true) };
  wait(own);
  const answer = navigator.onLine && (await Promise.race([seen(), new Promise((done) => setTimeout(done, PROBE))]));
  if (coming === own) coming = null;
  if (own.given) return;
  if (answer || answer === null || !unanswered) return void go(elt.href);
  unanswered();
}

export function startDialogs() {
  // The page of a browser without script, met with script: the question that stood open becomes a true dialog.
  for (const dialog of document.querySelectorAll("dialog[open]")) {
    dialog.close();
    openDialog(dialog, null);
  }
  document.addEventListener("click", clicked);
  document.addEventListener("close", closed, true);
  document.addEventListener("cancel", (event) => {
    if (event.target.querySelector?.("form[data-busy]")) event.preventDefault();
  }, true);
  document.body.addEventListener("htmx:beforeSwap", beforeSwap);
  document.body.addEventListener("htmx:sendError", networkFailed);
  document.body.addEventListener("htmx:timeout", networkFailed);
  document.body.addEventListener("htmx:beforeRequest", beforeRequest);
  document.body.addEventListener("htmx:afterRequest", afterRequest);
  document.addEventListener("keydown", held, true);
  window.addEventListener("pageshow", () => (coming = null));
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "dialog") return;
    openDialog(event.detail.target, event.detail.requestConfig?.elt ?? document.activeElement);
    written(event.detail.target);
  });
}

// Wakes the page: dialogs, forms and keys always; the heavy parts only where a page carries them.
import { startDialogs } from "./dialogs.js";
import { startForms, readyForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { watchIdle, watchMoves } from "./session.js";
import { NB, element, notice } from "./words.js";

const PARTS = [
  ["[data-viewer]", () => import("./viewer.js"), "startViewer"],
  ["form[data-signer][data-enrol]", () => import("./enrol.js"), "startEnrolment"],
  ["form[data-signer]:not([data-batch], [data-enrol])", () => import("./signer.js"), "startSigner"],
  ["form[data-signer][data-batch]", () => import("./batch.js"), "startBatchSigner"],
  ["form[data-places]", () => import("./places.js"), "startPlaces"],
  ["[data-diagnosis]", () => import("./diagnosis.js"), "startDiagnosis"],
  ["[data-batch-progress]", () => import("./batch.js"), "startProgress"],
  ["form[data-upload]", () => import("./upload.js"), "startUpload"],
  ["form[data-passkey]", () => import("./passkeys.js"), "startPasskey"],
  ["form[data-circuit]", () => import("./circuit.js"), "startCircuit"],
  ["form[data-absence]", () => import("./absences.js"), "startAbsence"],
  ["[data-tree]", () => import("./tree.js"), "startTree"],
  ["form[data-foresee]", () => import("./foresee.js"), "startForesight"],
  ["select[data-searched]", () => import("./choices.js"), "startSearch"],
  ["[data-blanks]", () => import("./blanks.js"), "startBlanks"],
  ["[data-columns]", () => import("./columns.js"), "startColumns"],
  ["[data-pins]", () => import("./pins.js"), "startPins"],
  ["[data-pin]", () => import("./pins.js"), "startPinning"],
  ["form[data-mentions]", () => import("./mentions.js"), "startMentions"],
  ["form[data-selection]", () => import("./selection.js"), "startSelection"],
  ["form[data-found]", () => import("./found.js"), "startFound"],
  ["form[data-reasons]", () => import("./reasons.js"), "startReasons"],
  ["form[data-undo]", () => import("./undo.js"), "startUndo"],
  ["form[data-carry]", () => import("./carry.js"), "startCarry"],
  ["[data-carried-read]", () => import("./carry.js"), "startRead"],
  [".two-beside", () => import("./beside.js"), "startBeside"],
  ["[hx-get]", () => import("./unanswered.js"), "startUnanswered"],
  ["[data-copies]", () => import("./copies.js"), "startCopies"],
  ["[data-list]", () => import("./lists.js"), "startList"],
  ["[data-place]", () => import("./lists.js"), "startPlace"],
  ["[data-guide]", () => import("./guide.js"), "startGuide"],
];

// The page is marked awake while each part that it carries hears the person: whoever acts by machine waits for that.
let waking = 0;

async function wake(root) {
  const { dataset } = document.documentElement;
  waking += 1;
  delete dataset.awake;
  const started = [readyForms(root)];
  let lacks = false;
  for (const [selector, load, start] of PARTS) {
    const found = [...root.querySelectorAll(selector)];
    if (root.matches?.(selector)) found.push(root);
    for (const node of found) {
      if (node.dataset.awake) continue;
      node.dataset.awake = "yes";
      started.push(load().then((part) => void part[start](node), () => (lacks = true)));
    }
  }
  await Promise.allSettled(started);
  if (lacks) partial();
  waking -= 1;
  if (!waking) dataset.awake = "yes";
}

const DECISIONS = '.decide form, #dialog form, form[data-signer], form[data-reasons], form[action*="/commencer"]';

// A script did not come: what it does is not done here, and what stands here may be of a while ago. Who decides by button or
// by key would decide on what this page did not show: nothing is decided before it is read again.
function partial() {
  if (document.getElementById("partial")) return;
  const before = document.querySelector(DECISIONS) ? `Rechargez-la${NB}: rien ne s’y décide avant.` : "Rechargez-la.";
  const again = element("button", { class: "btn btn-line", type: "button" }, "Recharger la page");
  again.addEventListener("click", () => location.reload());
  const words = notice("warn", "Cette page n’est pas entière", `Le réseau a manqué quand elle s’est ouverte. ${before}`, again);
  words.role = "alert";
  words.id = "partial";
  words.tabIndex = -1;
  document.querySelector("main").prepend(words);
  window.addEventListener("submit", (event) => {
    if (!event.target.matches(DECISIONS)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    event.target.closest("dialog[open]")?.close(); // beneath it nothing is read
    words.focus();
  }, true);
}

// How tall the decision bar is on small screens, so that the page ends above it.
function watchBar() {
  const bar = document.querySelector(".decide-bar");
  if (!bar) return;
  new ResizeObserver(() => {
    const { style } = document.documentElement;
    style.setProperty("--pa-bar", `${bar.offsetHeight}px`);
    // What the keyboard reaches is scrolled above the bar (WCAG 2.4.11)
    style.scrollPaddingBottom = getComputedStyle(bar).position === "fixed" ? "var(--pa-bar)" : "";
  }).observe(bar);
}

// On a phone the tray or the view that is open may be beyond the edge.
function showTray() {
  const at = document.querySelector(".trays [aria-current]");
  if (at) at.parentElement.scrollLeft = at.offsetLeft - at.parentElement.clientWidth / 2 + at.offsetWidth / 2;
}

// After an act the next folder opens: its title takes the focus. What a batch has become, read again once it is over: its
// own. Back in the list: the row that was left.
function placeFocus() {
  if (document.querySelector("[data-batch-progress]")) return void document.querySelector("h1").focus();
  const title = document.querySelector(".fhead h1");
  if (title) {
    sessionStorage.setItem("folder", location.pathname);
    const from = document.referrer && new URL(document.referrer).pathname; // by J or K, from another folder
    if (document.querySelector(".flash") || (/^\/dossiers\/\d+$/.test(from) && from !== location.pathname)) {
      title.tabIndex = -1;
      title.focus();
      // The tab of what was done is under the decision where both stand beside the document; elsewhere the band comes first
      if (location.search.includes("onglet=") && innerWidth >= 1100) document.getElementById("panel").scrollIntoView({ block: "nearest" });
    }
    return;
  }
  if (told()) return;
  const left = sessionStorage.getItem("folder");
  const row = left && [...document.querySelectorAll("a.ftitle")].find((link) => link.pathname === left);
  const back = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  if (row && (back || document.referrer.includes(left))) row.focus();
}

// What was just done or refused is told at the top: the keyboard starts there, or in the password that did not suit.
function told() {
  const words = document.querySelector("main .note-danger[role=alert]") ?? document.querySelector(".flash");
  if (!words || document.activeElement !== document.body) return false;
  const empty = words.matches(".flash") ? [] : [...document.querySelectorAll("main input[type=password]")].filter((one) => !one.value);
  words.id ||= "told";
  if (empty.length) empty[0].setAttribute("aria-describedby", `${empty[0].getAttribute("aria-describedby") ?? ""} ${words.id}`.trim());
  const at = empty[0] ?? (words.matches(".flash") ? document.querySelector("main h1") : words);
  if (!at) return false;
  if (!empty.length) at.tabIndex = -1;
  at.focus();
  return true;
}

// Whoever is logged in keeps the page that says that nothing answers (`operations/installable`); leaving takes it away.
function keepAnswer() {
  if (document.body.dataset.account) navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
}

// Where folders were taken along, each page asks whether they may still be read, and whoever leaves takes them away.
function watchCarried() {
  if (localStorage.getItem("carried")) import("./carry.js").then((part) => part.watch());
}

startDialogs();
watchIdle();
watchMoves();
startForms();
startKeys();
showTray();
wake(document.body);
watchBar();
placeFocus();
watchCarried();
window.addEventListener("load", keepAnswer);
document.body.addEventListener("htmx:load", ({ detail }) => {
  wake(detail.elt);
  if (detail.elt.querySelector(".decide-bar")) watchBar();
});

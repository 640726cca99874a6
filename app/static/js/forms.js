// Forms that cannot be sent twice, passwords that can be read back, values read from a file that are no longer so.
import { draftEdited, draftSaving, draftSent, keepDraft, offerDraft, startDraft } from "./draft.js";
import { forget, forgetFrom, keep, kept, keeps } from "./kept.js";
import { over, restored, stale } from "./session.js";
import { NB, csrf, element, notice } from "./words.js";

const BUSY = "Envoi en cours";
const NO_DOOR = "Votre session s’est fermée, et la page de connexion ne s’ouvre pas ici. Ce que vous avez écrit reste dans cette page. Connectez-vous dans un autre onglet, puis recommencez.";
const OFFLINE = "Cet appareil n’est pas connecté. Ce que vous avez écrit reste dans cette page. Recommencez une fois la connexion revenue.";

export function busy(button) {
  if (!button) return;
  button.style.minWidth = `${button.offsetWidth}px`;
  button.classList.add("is-busy");
  button.setAttribute("aria-disabled", "true");
  const words = button.querySelector("span") ?? button;
  button.dataset.words = words.textContent;
  words.textContent = button.dataset.busyWords ?? BUSY;
}

export function idle(button) {
  button.classList.remove("is-busy");
  button.removeAttribute("aria-disabled");
  button.style.minWidth = "";
  (button.querySelector("span") ?? button).textContent = button.dataset.words;
}

// The words of a note that this form does not send would be lost with the page: they are shown, and it stays.
export function unsent(form = null) {
  const note = [...document.querySelectorAll("[data-apart]")].find((one) => one.form !== form && one.value.trim());
  if (!note) return false;
  form?.closest("dialog[open]")?.close(); // beneath it nothing is reached
  note.closest("details").open = true;
  note.setCustomValidity(`Cette note n’est pas écrite${NB}: écrivez-la, ou videz-la, avant d’aller plus loin.`);
  note.reportValidity();
  note.addEventListener("blur", () => note.setCustomValidity(""), { once: true });
  return true;
}

function submitted(event) {
  const form = event.target;
  if (form.matches("[data-signer]")) event.preventDefault(); // the page signs; nothing of this form is ever posted
  if (form.matches("[data-upload]")) notesSent(form);
  if (event.defaultPrevented || form.method !== "post" || form.matches("[data-signer], [data-upload]")) return;
  // What may be taken back for some seconds does not wait for a note that comes back with its page
  if (!(keeps && form.matches("[data-undo]")) && unsent(form)) return void event.preventDefault();
  const filesTravel = form.id === "draft" && document.querySelector("form[data-upload][data-busy]");
  if (form.dataset.sent || filesTravel) {
    event.preventDefault();
    return;
  }
  if (!navigator.onLine) { // a page that is left is not found again as it was: what is typed stays where it is
    event.preventDefault();
    return void notKept(form, OFFLINE, `Hors ligne${NB}: rien n’a été envoyé`);
  }
  document.querySelector("[data-not-kept]")?.remove();
  if (event.submitter?.matches("[data-download]")) return; // a file is taken away: the page stays, and serves again
  const first = form.id === "draft" ? Boolean(draftSaving()) : draftEdited();
  if (!form.dataset.ready && (first || stale())) {
    event.preventDefault();
    prepare(form, event.submitter);
    return;
  }
  delete form.dataset.ready;
  form.dataset.sent = "yes";
  notesSent(form);
  if (form.id === "draft") draftSent(form);
  busy(event.submitter ?? form.querySelector("[type=submit]"));
}

// Before a form leaves the page: what is typed on the draft is saved, and a session that is over is opened again here,
// so that what is posted is neither lost nor refused. The form then goes as the browser sends it.
async function prepare(form, submitter) {
  if (form.dataset.preparing) return;
  form.dataset.preparing = "yes";
  await new Promise((resolve) => setTimeout(resolve)); // a form does not go again while its submission is still told
  try {
    if (form.id === "draft") await draftSaving();
    else if (draftEdited()) {
      const why = await keepDraft();
      if (why && form.matches("[data-keeps-draft]")) return void notKept(form, why);
    }
    const back = !(await over()) || (await restored());
    if (back === null) notKept(form, NO_DOOR, "Rien n’a été envoyé");
    if (!back) return;
  } finally {
    delete form.dataset.preparing;
  }
  form.dataset.ready = "yes";
  form.requestSubmit(submitter?.form === form ? submitter : undefined);
  delete form.dataset.ready; // a field that is not valid kept the form here
}

function notKept(form, why, title = "Rien n’a changé") {
  document.querySelector("[data-not-kept]")?.remove();
  const said = notice("danger", title, why);
  said.setAttribute("role", "alert");
  said.dataset.notKept = "";
  const bar = form.querySelector(".batchbar");
  if (bar) bar.prepend(said); // fixed on a phone: what follows its list is beneath it
  else (form.closest(".docs") ?? form).after(said); // a line of documents has no room for it
  said.scrollIntoView({ block: "nearest" });
}

function reveal(button) {
  const input = document.getElementById(button.dataset.reveal);
  const shown = input.type === "password";
  input.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", String(shown));
  button.querySelector("span").textContent = shown ? "Masquer" : "Afficher";
}

function clicked(event) {
  const button = event.target.closest("[data-reveal]");
  if (button) reveal(button);
  if (event.target.closest("[data-print]")) window.print();
  const menu = document.querySelector("details.menu[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
}

// The switch of the help dialog takes effect at once and is kept by the server.
async function switchShortcuts(form) {
  const on = form.elements.shortcuts.checked;
  document.body.dataset.shortcuts = on ? "on" : "off";
  const said = form.querySelector("[data-shortcuts-said]");
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { "X-CSRFToken": csrf() } }).catch(() => null);
  said.textContent = answer?.ok ? "Enregistré" : "Valable sur cette page seulement";
}

// A reason or a note survives a page that moved on, a session that ended, a network that was cut.
// A field that says so does too, up to the version of what it is about: a telephone ends a page that is not looked at.
// They stay until the form that holds them is sent itself, or the folder that they are about is decided on: what is done of
// another folder takes none of them away.
const FOLDER = /^.*\/dossiers\/\d+\//;
const NOTES = "textarea[name=reason], textarea[name=comment], [data-note], [data-apart]";
const keeperOf = (area) => `${area.matches("[data-apart]") ? `apart ${area.id}` : "note"} ${area.form?.action} ${area.name} ${area.dataset.note ?? ""}`.trim();

export function notesSent(form, decides = form.hasAttribute("data-decides") && form.action) {
  const names = [...form.elements].filter((one) => one.matches(NOTES)).map(keeperOf);
  const folder = decides && FOLDER.exec(new URL(decides, location.href).href)?.[0];
  sessionStorage.setItem("note sent", JSON.stringify({ names, folder }));
}

// The act was done: what led to it is in the journal, no longer here, and what would have led to another is of no use.
function forgetSent() {
  const { names = [], folder } = JSON.parse(sessionStorage.getItem("note sent") ?? "{}");
  sessionStorage.removeItem("note sent");
  if (!document.querySelector(".flash-ok")) return;
  names.forEach(forget);
  if (folder) forgetFrom(`note ${folder}`);
}

// What a browser cannot keep is told where it is typed. A note apart keeps its page from being left.
const LOST = `Cette adresse n’est pas en https${NB}: ce que vous écrivez ici est perdu si vous quittez cette page.`;

function tellLost(area) {
  if (keeps || !area.id || area.matches("[data-apart], #draft *") || document.getElementById(`${area.id}-perdu`)) return;
  const said = element("p", { class: "form-text", id: `${area.id}-perdu` }, LOST);
  (area.nextElementSibling?.matches(".form-text") ? area.nextElementSibling : area).after(said);
  area.setAttribute("aria-describedby", `${area.getAttribute("aria-describedby") ?? ""} ${said.id}`.trim());
}

// Where a rejection sends the folder back to, chosen among several.
const wayBack = (form) => form?.matches("[data-reasons]") && form.querySelector("[name=to]:checked");

function goBack(form, to) {
  const choice = [...form.querySelectorAll("[name=to]")].find((one) => one.value === to);
  if (!choice || choice.checked) return; // a step that is behind no more is none
  choice.checked = true;
  choice.dispatchEvent(new Event("change", { bubbles: true }));
}

export async function restoreNotes(root) {
  for (const area of root.querySelectorAll(NOTES)) {
    tellLost(area);
    const { words, reach, to } = (await kept(keeperOf(area))) ?? {};
    const untouched = area.dataset.note ? area.value === area.defaultValue : !area.value.trim();
    if (!words || !untouched) continue;
    area.value = words;
    if (to !== undefined && area.form?.matches("[data-reasons]")) goBack(area.form, to);
    const list = area.form?.elements.reach;
    if (reach && list) {
      list.value = reach;
      list.value ||= "alone"; // never for more than it was for
    }
    area.dispatchEvent(new Event("input")); // who is named in them is ticked
    const box = area.closest("details");
    if (box) box.open = true; // nothing is sent that is not in sight
  }
}

// The code of a link stands after its « # », where no server and no log reads it: it goes into the form, and the address
// keeps nothing of it. The field shows only to whoever came without one.
const CODE = /^#[A-Za-z0-9_-]{40,}$/; // and not the « #contenu » of a link within the page

function fromAddress(input) {
  if (CODE.test(location.hash)) {
    input.value = location.hash.slice(1);
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  input.closest(".field").hidden = Boolean(input.value);
}

// What shows of a file input, in French whatever the browser speaks; the input itself stays the one that is used.
function dressFile(input) {
  const [name, word] = [element("span", { class: "filename" }), element("span", { class: "fileword" })];
  if (!input.nextElementSibling) input.after(element("span", { class: "fileface", "aria-hidden": "true" }, name, word));
  const face = input.nextElementSibling;
  const files = [...input.files].map((file) => file.name);
  face.firstChild.textContent = files.join(", ");
  face.firstChild.classList.toggle("is-none", !files.length);
  face.lastChild.textContent = files.length && !input.closest("[data-drop]") ? "Changer" : input.dataset.word ? input.dataset.word : input.multiple ? "Choisir des fichiers" : "Choisir un fichier";
  input.parentElement.classList.add("is-dressed");
}

// What is of no use while nothing is changed serves as soon as something is.
function changes(form) {
  for (const button of form?.querySelectorAll("[data-once-changed]") ?? []) {
    button.disabled = false;
    document.getElementById(button.getAttribute("aria-describedby"))?.remove();
    button.removeAttribute("aria-describedby");
    delete button.dataset.onceChanged;
  }
}

// A public certificate is asked for: a file that holds a private key is turned away before it can be sent.
function turnAwayKeys(input) {
  const secret = [...input.files].some((file) => /\.(p12|pfx|key)$/i.test(file.name));
  input.setCustomValidity(secret ? "Ce fichier contient votre clé privée. Choisissez le certificat public, en .cer, .crt, .pem ou .der." : "");
  if (!secret) return;
  input.reportValidity();
  input.value = "";
}

function changed(event) {
  const input = event.target;
  if (input.type === "file" && /[.]cer/.test(input.accept)) turnAwayKeys(input);
  if (input.type === "file" && input.parentElement.matches(".filebox")) dressFile(input);
  if (input.name === "shortcuts" && input.form?.matches("[data-shortcuts-form]")) switchShortcuts(input.form);
}

// What was kept comes back a moment after the rest: the promise is of that.
export function readyForms(root) {
  const back = Promise.all([restoreNotes(root), offerDraft(root)]);
  for (const button of root.querySelectorAll("[data-reveal], [data-print]")) button.hidden = false;
  for (const input of root.querySelectorAll(".filebox > input")) dressFile(input);
  for (const input of root.querySelectorAll("[data-of-address]")) fromAddress(input);
  for (const one of root.querySelectorAll("[data-wide-open]")) one.open = matchMedia("(min-width: 1100px)").matches;
  const wrong = root.querySelector("[aria-invalid=true]");
  if (wrong && !wrong.closest("dialog:not([open])")) wrong.focus();
  return back;
}

export function startForms() {
  startDraft();
  forgetSent();
  document.addEventListener("submit", submitted);
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-signer]:not([data-enrol])") || !unsent(event.target)) return;
    event.preventDefault(); // a signature leaves the folder behind as a visa does
    event.stopImmediatePropagation();
  }, true);
  document.addEventListener("click", clicked);
  document.addEventListener("click", (event) => {
    if (keeps || !event.target.closest?.("a[href]:not([href^='#'], [target], [download], [aria-haspopup], [data-close])") || !unsent()) return;
    event.preventDefault(); // a browser that keeps nothing would lose the note
    event.stopPropagation();
  }, true);
  document.addEventListener("change", changed);
  document.addEventListener("input", (event) => {
    const back = event.target === wayBack(event.target.form);
    const area = event.target.matches(NOTES) ? event.target : event.target.form?.querySelector(back ? "textarea[name=reason]" : "[data-apart]");
    if (area) keep(keeperOf(area), { words: area.value, reach: area.form?.elements.reach?.value, to: wayBack(area.form)?.value });
    document.querySelector(`[data-read-for="${CSS.escape(event.target.id)}"]`)?.remove();
    changes(event.target.form);
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    event.preventDefault(); // it closes the menu, and no more: what is ticked stays
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  // What is shown once is copied whole
  const whole = ({ target }) => target.matches?.("[data-whole]") && target.select();
  document.addEventListener("focusin", whole);
  whole({ target: document.activeElement });
  window.addEventListener("hashchange", () => document.querySelectorAll("[data-of-address]").forEach(fromAddress));
  // A page brought back by the browser's history must be usable again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const form of document.querySelectorAll("form[inert]")) form.inert = false;
    document.querySelectorAll(".is-busy").forEach(idle);
  });
}

// What is typed on a draft: saved as one types, with the checks that follow from it; what the server does not have yet is
// kept in this tab, and offered again, never put back by itself over what somebody else wrote.
import { forget, keep, keeps, kept } from "./kept.js";
import { NB, THIN, csrf, element, notice, quoted, sentenceIn } from "./words.js";
import { restored } from "./session.js";

const REST = 1_500; // ms without a key pressed
const AGAIN = 10_000; // ms before another try, when the server does not answer
const draftOf = () => document.querySelector("form#draft");
const keyOf = (form) => `draft ${form.getAttribute("action")}`;
const drawn = new WeakMap(); // a live part of the page: the HTML that the server last gave for it
let edits = 0;
let timer = 0;
let saving = null;

export const draftEdited = () => Boolean(draftOf()?.dataset.edited);
export const draftSaving = () => saving;
export const draftSent = (form) => sessionStorage.setItem("draft sent", keyOf(form));

function remember(input) {
  if (input.name && input.type !== "hidden") keep(keyOf(input.form), { [input.name]: input.value });
}

function typed(event) {
  const form = event.target.form;
  if (!form?.matches("#draft")) return;
  edits += 1;
  form.dataset.edited = "yes";
  remember(event.target);
  pending(true);
  plan(REST);
}

function plan(delay) {
  clearTimeout(timer);
  timer = setTimeout(save, delay);
}

function pending(on) {
  const words = document.querySelector("[data-unsaved]");
  if (words) words.hidden = !on;
}

// One save at a time: what is typed meanwhile goes with the next one. Gives "" when it is saved, or why it is not.
function save() {
  const form = draftOf();
  if (!form?.dataset.edited || form.dataset.sent) return saving ?? Promise.resolve("");
  clearTimeout(timer);
  saving ??= post(form).finally(() => (saving = null));
  return saving;
}

async function post(form) {
  const asked = edits;
  const body = new FormData(form);
  const [answer, html] = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { "X-CSRFToken": csrf() } })
    .then(async (got) => [got, await got.text()])
    .catch(() => [null, ""]);
  const page = new DOMParser().parseFromString(html, "text/html");
  const version = answer?.ok && page.querySelector("#draft [name=version]")?.value;
  if (!version) return told(answer, html);
  said();
  for (const input of document.querySelectorAll("input[name=version]")) input.value = version;
  take(form, body, page);
  if (edits !== asked) plan(REST);
  else {
    delete form.dataset.edited;
    forget(keyOf(form));
    pending(false);
  }
  return "";
}

// Why it is not saved, on the page; the answer itself for who was waiting to do something else.
function told(answer, html) {
  const here = keeps ? "Votre saisie est gardée dans cette page" : "Votre saisie n’est que dans cette page : copiez-la avant de la quitter";
  if (!answer || answer.status >= 500) {
    said(`${here}${THIN}; un nouvel essai sera fait. Vérifiez la connexion.`);
    plan(AGAIN);
    return "network";
  }
  if (answer.redirected && new URL(answer.url).pathname === "/login") {
    const again = element("button", { type: "button", class: "btn btn-line" }, "Se reconnecter");
    again.addEventListener("click", async () => (await restored()) && save());
    said(`Votre session s’est fermée. ${here}.`, again);
    return "session";
  }
  const then = keeps ? "Rechargez la page, votre saisie vous y sera proposée." : `${here}, puis rechargez.`;
  if (answer.status === 409) said(`Le dossier a été modifié ailleurs. ${then}`);
  else said(sentenceIn(html).detail || then);
  return answer.status === 409 ? "moved" : "refused";
}

function said(why, ...remedies) {
  const place = document.querySelector("[data-draft-said]");
  if (!place) return;
  place.replaceChildren(...(why ? [notice("danger", "Non enregistré", why, ...remedies)] : []));
  if (why) place.firstChild.setAttribute("role", "alert");
}

// The values as they are kept (« 2026-057 » becomes 2026_057, a title follows its facts), never over what is being typed;
// and the parts of the page that follow from them: hour, circuit, checks.
function take(form, sent, page) {
  for (const field of form.elements) {
    // The lines of a table are counted anew without those left blank: the page keeps its own
    if (!field.matches("input:not([type=hidden]), textarea") || field.closest("[data-lines]") || field.value !== sent.get(field.name)) continue;
    const known = page.querySelector(`#draft [name="${CSS.escape(field.name)}"]`);
    if (!known || (field === document.activeElement && field.value !== field.defaultValue)) continue;
    if (field.value !== known.value) field.value = known.value;
    field.defaultValue = known.value;
  }
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    const html = fresh?.innerHTML;
    if (html === undefined || html === (drawn.get(part) ?? part.innerHTML) || part.contains(document.activeElement)) continue;
    const typed = [...form.elements].filter((one) => !one.matches("button") && part.contains(one));
    if (typed.some((one) => one.value !== sent.get(one.name))) continue; // goes with the next save
    drawn.set(part, html);
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    window.htmx?.process(part);
    document.body.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: part } }));
  }
}

// What was typed is saved before something else changes the draft. Gives "" when it is, or why it is not, in French.
export async function keepDraft() {
  const draft = draftOf();
  if (!draft?.dataset.edited) return "";
  const lost = "Votre saisie n’a pas pu être enregistrée, les documents n’ont pas changé. ";
  const reload = "rechargez la page, votre saisie vous y sera proposée.";
  draft.inert = true; // what would be typed now would come too late
  let why = await save();
  if (!why && draft.dataset.edited) why = await save(); // typed while the former save was on its way
  if (why === "session" && (await restored())) why = await save();
  if (!why) return "";
  draft.inert = false;
  if (why === "moved") return `${lost}Le dossier a avancé${NB}: ${reload}`;
  return lost + (why === "network" ? "Vérifiez la connexion, puis recommencez." : `R${reload.slice(1)}`);
}

export async function offerDraft(root) {
  const form = root.querySelector("form#draft");
  const sent = sessionStorage.getItem("draft sent");
  // The server has it: it says so, or shows what it kept with what is still missing.
  if (sent && (document.querySelector(".flash-ok") || form?.hasAttribute("data-kept"))) forget(sent);
  if (root === document.body) sessionStorage.removeItem("draft sent");
  const before = form && (await kept(keyOf(form)));
  if (!before) return;
  const fields = Object.entries(before).map(([name, value]) => [form.elements[name], value]).filter(([field, value]) => field && field.value !== value);
  if (!fields.length) return void forget(keyOf(form));
  const take = element("button", { type: "button", class: "btn btn-line" }, "Reprendre ma saisie");
  const drop = element("button", { type: "button", class: "btn btn-quiet" }, "L’oublier");
  const names = fields.map(([field]) => quoted(field.labels[0]?.firstChild.textContent.trim() ?? field.name)).join(", ");
  const note = notice("warn", "Votre dernière saisie n’a pas été enregistrée", `Elle est gardée dans cette page${NB}: ${names}.`, take, drop);
  note.setAttribute("role", "status");
  take.addEventListener("click", () => {
    for (const [field, value] of fields) {
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    note.remove();
    fields[0][0].focus();
  });
  drop.addEventListener("click", () => {
    forget(keyOf(form));
    note.remove();
  });
  form.prepend(note);
}

// A link waits for what was typed to be saved; a closed tab or an address typed over asks first.
function followed(event) {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (!draftEdited() || link.target || link.origin !== window.location.origin || link.matches("[hx-get], [download]")) return;
  if (link.pathname === window.location.pathname && link.hash) return;
  event.preventDefault();
  save().then(() => window.location.assign(link.href));
}

function leaving(event) {
  const form = draftOf();
  if (form?.dataset.edited && !form.dataset.sent) event.preventDefault();
}

export function startDraft() {
  document.addEventListener("input", typed);
  document.addEventListener("click", followed);
  window.addEventListener("beforeunload", leaving);
}

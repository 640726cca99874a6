// Sends files with their progress in words; what is too heavy is said before a single byte leaves.
import { keepDraft } from "./draft.js";
import { restored } from "./session.js";
import { NB, THIN, csrf, element, icon, notice, problemFrom, quoted, sentenceIn, size } from "./words.js";

const HEARD = 500; // ms that what answers without a network is given to note what was received
const before = new WeakMap(); // an input of several files: those that it had

// What is chosen, or dropped, comes beside what was: nobody's first files go in silence. One given twice is one.
function together(input) {
  if (!input.multiple) return;
  const same = (one, other) => ["name", "size", "lastModified"].every((of) => one[of] === other[of]);
  const had = before.get(input) ?? [];
  const bag = new DataTransfer();
  for (const file of [...had, ...[...input.files].filter((one) => !had.some((other) => same(one, other)))]) bag.items.add(file);
  input.files = bag.files;
  before.set(input, [...input.files]);
}

function chosen(form, input) {
  const list = form.querySelector("[data-chosen]");
  if (!list) return;
  const files = [...input.files];
  for (const picture of list.querySelectorAll("img")) URL.revokeObjectURL(picture.src);
  list.replaceChildren(...files.map((file) => {
    const about = element("div", {}, element("b", { class: "strong" }, file.name), element("div", { class: "xs quiet" }, size(file.size)));
    if (!list.hasAttribute("data-removable")) return element("li", {}, icon("file-earmark", "ic-doc"), about);
    const off = element("button", { type: "button", class: "btn btn-quiet btn-ic end" }, icon("x-lg"), element("span", { class: "visually-hidden" }, `Retirer ${file.name}`));
    off.addEventListener("click", () => without(input, file));
    return element("li", {}, preview(file), about, off);
  }));
  list.hidden = files.length === 0;
}

// A picture is seen before it leaves; one that this browser does not read is a sign, as any other file.
function preview(file) {
  if (!file.type.startsWith("image/")) return icon("file-earmark", "ic-doc");
  const picture = element("img", { class: "w-25 rounded", alt: `Aperçu de ${file.name}`, src: URL.createObjectURL(file) });
  picture.addEventListener("error", () => picture.replaceWith(icon("file-earmark-image", "ic-doc")));
  return picture;
}

function without(input, gone) {
  const bag = new DataTransfer();
  for (const file of input.files) if (file !== gone) bag.items.add(file);
  input.files = bag.files;
  before.delete(input);
  input.dispatchEvent(new Event("change", { bubbles: true }));
  input.focus();
}

const NOTHING = "Rien n’a été déposé";

function refuse(form, title, text, ...remedies) {
  const named = title === NOTHING ? (form.dataset.unsent ?? title) : title;
  form.querySelector("[data-refused]").replaceChildren(notice("danger", named, text, ...remedies));
}

// Nobody knows whether it arrived: the mark of the form, or the version that it shows, lets it be made once.
function unanswered(form) {
  const what = form.dataset.unsent ? "Ce que vous avez écrit et le fichier sont toujours dans cette page" : "Vos fichiers sont toujours dans cette page";
  const twice = form.dataset.unsent ? "rien ne sera noté deux fois" : "rien ne sera déposé deux fois";
  refuse(form, "Aucune réponse n’est venue", `On ne peut pas savoir d’ici si l’envoi est arrivé. ${what}${NB}: sans la recharger, recommencez quand le réseau revient, ${twice}.`);
  form.querySelector("[data-upload-send]")?.removeAttribute("hidden"); // files that are chosen already are sent again by it
}

// What is chosen next in this page is another deposit, should the browser come back to it as it was.
function renew(form) {
  const mark = form.elements.namedItem("once");
  if (mark) mark.value = [...crypto.getRandomValues(new Uint32Array(8))].map((one) => one.toString(36)).join("");
}

function tooHeavy(form, files) {
  const limit = Number(form.dataset.limit) || Infinity;
  const empty = files.find((file) => file.size === 0);
  if (empty) {
    refuse(form, NOTHING, `${quoted(empty.name)} est vide. Vérifiez le fichier, puis choisissez-le à nouveau.`);
    return true;
  }
  const total = files.reduce((sum, file) => sum + file.size, 0);
  if (total <= limit) return false;
  const what = files.length === 1 ? `${quoted(files[0].name)} pèse ${size(total)}` : `les ${files.length} fichiers pèsent ${size(total)} en tout`;
  refuse(form, NOTHING, `${what[0].toUpperCase()}${what.slice(1)}${THIN}; la limite est de ${form.dataset.limitLabel ?? size(limit)}. Réduisez ou séparez les documents.`);
  return true;
}

// Read from the attribute: a button named « action » hides the form's own property.
function address(form) {
  return new URL(form.getAttribute("action") || window.location.href, window.location.href).href;
}

// The page that shows what was received may not come: what answers in its place then says so (service-worker.js).
async function announce(next) {
  const worker = navigator.serviceWorker?.controller;
  if (!worker) return;
  const what = new URL(next).searchParams.get("bannette") === "drafts" ? "brouillons" : "recu";
  const { port1, port2 } = new MessageChannel();
  const heard = new Promise((resolve) => (port1.onmessage = resolve));
  worker.postMessage({ received: next.split("#")[0], what }, [port2]);
  await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, HEARD))]);
}

function ended(form, xhr, done) {
  // Accepted files lead elsewhere; the form's own address with a sentence in it is a refusal too.
  const stayed = xhr.responseURL === address(form) && sentenceIn(xhr.responseText);
  const said = xhr.status >= 400 ? (problemFrom(xhr.getResponseHeader("Content-Type"), xhr.responseText) ?? sentenceIn(xhr.responseText)) : stayed;
  if (!said || (said === stayed && !said.title)) {
    done("Fichiers reçus. Ouverture de la page");
    renew(form);
    const next = new URL(xhr.getResponseHeader("HX-Redirect") ?? xhr.responseURL, window.location.href).href;
    announce(next).finally(() => (next === window.location.href ? window.location.reload() : window.location.assign(next)));
    return;
  }
  done("");
  if (xhr.status >= 500 && !said.key) return void unanswered(form); // said by what stands before the server
  if (["login-needed", "form-expired"].includes(said.key) && !form.dataset.again) {
    form.dataset.again = "yes"; // the files are still here: they go again once the person is back
    restored().then((back) => back && send(form)).finally(() => delete form.dataset.again);
  }
  const before = said.key === "form-spent" && said.folder ? [element("a", { class: "btn btn-line", href: `/dossiers/${said.folder}/brouillon` }, "Ouvrir ce dossier")] : [];
  const title = before.length || xhr.status >= 500 ? said.title : NOTHING; // a server that failed says what it knows itself
  refuse(form, title || NOTHING, said.detail || said.title || "Le serveur a refusé l’envoi. Rechargez la page, puis recommencez.", ...before);
}

async function send(form) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector("[data-sending]");
  const bar = zone.querySelector("progress");
  const words = zone.querySelector("p");
  const button = form.querySelector("[type=submit]");
  form.querySelector("[data-refused]").replaceChildren();
  form.dataset.busy = "yes";
  zone.hidden = false;
  words.textContent = "Envoi en cours";
  button?.setAttribute("aria-disabled", "true");
  // What is typed while files travel would be lost when the page comes back: the draft waits with them.
  const draft = document.querySelector("form#draft");
  const done = (text) => {
    if (draft) draft.inert = Boolean(text);
    words.textContent = text;
    zone.hidden = !text;
    if (!text) {
      delete form.dataset.busy;
      button?.removeAttribute("aria-disabled");
    }
  };
  const why = await keepDraft();
  if (draft) draft.inert = !why;
  if (why) {
    done("");
    return void refuse(form, NOTHING, why);
  }
  const xhr = new XMLHttpRequest();
  let spoken = 0;
  xhr.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    bar.value = Math.round((100 * event.loaded) / event.total);
    const now = performance.now();
    if (now - spoken < 2000 && event.loaded < event.total) return; // a screen reader follows words, not frames
    spoken = now;
    words.textContent = event.loaded < event.total ? `${size(event.loaded)} envoyés sur ${size(event.total)}` : "Fichiers envoyés. Vérification en cours";
  });
  xhr.addEventListener("load", () => ended(form, xhr, done));
  for (const failure of ["error", "abort", "timeout"]) {
    xhr.addEventListener(failure, () => {
      done("");
      unanswered(form);
    });
  }
  xhr.open("POST", address(form));
  xhr.setRequestHeader("Accept", "application/json");
  xhr.setRequestHeader("X-CSRFToken", csrf());
  const data = new FormData(form);
  if (form.submitter?.name) data.append(form.submitter.name, form.submitter.value);
  xhr.send(data);
  input.blur();
}

const SPEAKS = /urn:factur-x|urn:zugferd|CrossIndustryInvoice|xsd:(?:Invoice|CreditNote)-2|PES_(?:Aller|DepensesRecettes)/i;
const READ = 8_388_608; // bytes of a file that are looked at

// Whether a file is by itself the subject of a folder: an electronic invoice or a flow says so in the clear.
async function speaks(file) {
  if (!/\.(pdf|xml)$/i.test(file.name)) return false;
  const bytes = await file.slice(0, READ).arrayBuffer().catch(() => new ArrayBuffer(0));
  return SPEAKS.test(new TextDecoder("latin1").decode(bytes));
}

// Several files: one folder each, or annexes of the first? Asked where each of them could be the subject, and proposed where
// two of them say that they are one; elsewhere they are annexes unless it is said.
function askSeveral(form, input) {
  const several = form.querySelector("[data-several]");
  if (!several) return;
  const choices = [...several.querySelectorAll("input")];
  const look = () => {
    const many = input.files.length > 1;
    several.hidden = !many;
    for (const one of choices) one.required = many;
    // Before a type is chosen the files are looked at all the same: what is ticked is not what a type takes away
    const subject = !form.querySelector("[name=family]:checked") || Boolean(form.querySelector("[data-speaks]:checked"));
    if (!several.dataset.said) choices.at(-1).checked = many && !subject;
    propose(many && subject ? [...input.files] : []);
  };
  const why = element("p", { class: "form-text", role: "status" });
  several.append(why);
  let turn = 0;
  const propose = async (files) => {
    turn += 1;
    const mine = turn;
    const count = (await Promise.all(files.map(speaks))).filter(Boolean).length;
    if (mine !== turn) return;
    const clear = count > 1 && !several.dataset.said;
    if (files.length && !several.dataset.said) choices[0].checked = clear;
    why.textContent = clear ? `Un dossier par fichier est proposé${NB}: ${count} de ces fichiers sont des factures ou des flux électroniques.` : "";
  };
  several.addEventListener("change", () => (several.dataset.said = "yes"));
  form.addEventListener("change", look);
  look();
}

// Without a type nothing leaves: the browser would show its own words, or none where the types are folded away.
function askType(form) {
  const types = form.querySelector("[name=family]")?.closest("fieldset");
  if (!types) return;
  const lacking = () => !types.querySelector("[name=family]:checked");
  const why = element("p", { class: "small t-danger", id: "type-erreur", role: "alert" });
  types.querySelector("legend").after(why);
  form.addEventListener("invalid", (event) => {
    if (!lacking()) return;
    event.preventDefault(); // each field says it for itself: the type comes first
    if (why.textContent) return;
    why.textContent = `Rien n’a été déposé${NB}: choisissez un type de dossier, puis déposez à nouveau.`;
    types.setAttribute("aria-describedby", why.id);
  }, true);
  form.querySelector("[type=submit]").addEventListener("click", () => {
    why.textContent = "";
    if (lacking()) setTimeout(() => types.querySelector("[name=family]").focus());
  });
  types.addEventListener("change", () => {
    why.textContent = "";
    types.removeAttribute("aria-describedby");
  });
}

export function startUpload(form) {
  const input = form.querySelector("input[type=file]");
  const atOnce = form.hasAttribute("data-upload-at-once");
  if (atOnce) form.querySelector("[data-upload-send]")?.setAttribute("hidden", "");
  const take = () => {
    if (!atOnce) together(input);
    chosen(form, input);
    form.querySelector("[data-refused]").replaceChildren();
    if (!input.files.length || tooHeavy(form, [...input.files])) return;
    if (atOnce) send(form);
  };
  askSeveral(form, input);
  askType(form);
  input.addEventListener("change", take);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.submitter = event.submitter;
    if (form.dataset.busy || tooHeavy(form, [...input.files])) return;
    send(form);
  });
  const zone = form.querySelector("[data-drop]") ?? input;
  const over = (event, on) => {
    event.preventDefault();
    zone.classList.toggle("is-over", on);
  };
  for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, (event) => over(event, true));
  zone.addEventListener("dragleave", (event) => over(event, false));
  zone.addEventListener("drop", (event) => {
    over(event, false);
    const bag = new DataTransfer();
    const files = [...event.dataTransfer.files];
    for (const file of input.multiple ? files : files.slice(0, 1)) bag.items.add(file);
    input.files = bag.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

// Shows the folders that were taken along, with or without a network: it reads, and nothing here decides.
import { able, contact, destroy, opened, readable } from "./carried.js";
import { NB, element, icon, notice, quoted } from "./words.js";

const ICONS = { pdf: "file-earmark-pdf", image: "file-earmark-image", page: "file-earmark-code" };
const LOOK = 20_000; // ms between two looks at the clock
const box = document.querySelector("[data-reading]");
const TITLE = document.title;
let shown = ""; // what is drawn, so that nothing is drawn again under the eyes of who reads
let heard = false; // whether the server answered just now
let picture = "";

// « #12/1 »: the second document of the copy number 12.
const asked = () => location.hash.slice(1).split("/").map(Number);

// A piece of page as the server drew it: its links lead nowhere from here, and nothing in it acts.
function piece(drawn) {
  const page = new DOMParser().parseFromString(drawn, "text/html");
  page.querySelectorAll("nav, script, style, link, form, button, input, select, textarea, iframe, object").forEach((one) => one.remove());
  for (const one of page.querySelectorAll("a")) one.replaceWith(element("span", {}, ...one.childNodes));
  for (const one of page.querySelectorAll("svg.ic")) one.replaceWith(icon(one.querySelector("use").getAttribute("href").split("#")[1], one.getAttribute("class").replace("ic", "").trim()));
  return [...page.body.childNodes].map((one) => document.adoptNode(one));
}

const times = (one) => `Emporté ${one.taken}, lisible jusqu’au ${one.ends}.`;

function listed(one) {
  const wipe = element("button", { class: "btn btn-line", type: "button" }, "Effacer", element("span", { class: "visually-hidden" }, ` ${quoted(one.title)} de cet appareil`));
  wipe.addEventListener("click", async () => {
    await destroy(one.id);
    await draw();
    box.querySelector("h1").focus();
  });
  const words = element("div", {}, element("a", { class: "strong", href: `#${one.id}/0` }, one.title), element("div", { class: "xs quiet" }, one.line), element("div", { class: "xs quiet" }, times(one)));
  return element("li", {}, icon("folder2-open", "ic-doc"), words, element("div", { class: "end" }, wipe));
}

function heading(words) {
  const title = element("h1", { tabindex: "-1" }, words);
  document.title = words === "Dossiers emportés" ? TITLE : `${words} · Paraphe`;
  return title;
}

function list(folders, back) {
  const title = heading("Dossiers emportés");
  if (back) return [title, notice("danger", "L’horloge de cet appareil a reculé", "Les dossiers emportés ne se montrent plus. Remettez-la à l’heure, ou rouvrez cette page avec une connexion.")];
  if (!folders.length) return [title, element("div", { class: "empty" }, icon("box-arrow-in-down", "big"), element("h2", {}, "Rien à lire ici"), element("p", {}, "Aucun dossier n’est emporté sur cet appareil, ou leur temps est fini."))];
  const lead = element("p", { class: "quiet small" }, heard ? "Le serveur répond." : "Hors connexion.", " Chiffrés dans ce navigateur, effacés quand vous vous déconnectez.");
  return [title, lead, element("ul", { class: "docs" }, ...folders.map(listed))];
}

function zoom(step, name, words) {
  return element("button", { class: "btn btn-quiet btn-ic opt", type: "button", "data-viewer-zoom": step, hidden: "" }, icon(name), element("span", { class: "visually-hidden" }, words));
}

async function viewer(folder, rank) {
  const document_ = folder.documents[rank];
  const tabs = folder.documents.map((one, n) => {
    const link = element("a", { href: `#${folder.id}/${n}` }, icon(ICONS[one.kind] ?? "file-earmark"), one.title);
    if (n === rank) link.setAttribute("aria-current", "true");
    return link;
  });
  const bar = element("div", { class: "vbar" }, element("nav", { class: "vdocs", "aria-label": "Documents du dossier" }, ...tabs));
  const pages = element("div", { class: "vpages", tabindex: "0", role: "region" });
  const whole = element("section", { class: "viewer", "aria-label": "Document" }, bar, pages);
  if (!document_) {
    pages.append(notice("info", "Ce dossier ne contient pas de document."));
    return whole;
  }
  pages.setAttribute("aria-label", `Contenu de ${quoted(document_.title)}`);
  if (document_.kind === "page") {
    const drawn = piece(document_.drawn);
    if (document_.drawn.includes("<a ")) pages.append(element("div", { class: "mb-3" }, notice("info", "Ce que cette page ouvre (pièces jointes, autres dossiers) se lit avec une connexion")));
    pages.append(...drawn);
  }
  else if (document_.kind === "image") {
    picture = URL.createObjectURL(new Blob([await opened(folder.id, document_.part)], { type: document_.type }));
    pages.append(element("img", { class: "vimage", src: picture, alt: document_.title }));
  } else if (document_.kind === "pdf") {
    bar.append(element("div", { class: "end" }, element("span", { class: "num nowrap opt", "data-viewer-place": "" }), zoom("-1", "zoom-out", "Réduire"), zoom("1", "zoom-in", "Agrandir")));
    const note = element("p", { class: "vnote", "data-viewer-note": "", hidden: "" }, icon("file-earmark-image"), `Document image${NB}: texte non lisible par un lecteur d’écran`);
    whole.insertBefore(note, pages);
    const bytes = await opened(folder.id, document_.part);
    const { startViewer } = await import("./viewer.js");
    whole.ready = () => startViewer(pages, bytes); // measured once it stands in the page
  } else pages.append(notice("info", document_.title, document_.why));
  return whole;
}

async function folderPage(folder, rank) {
  const back = element("a", { class: "back", href: "#" }, icon("arrow-left"), element("span", {}, "Dossiers emportés"));
  const head = element("div", {}, back, heading(folder.title), element("p", { class: "quiet small" }, folder.line));
  const remedy = heard ? [element("a", { class: "btn btn-line", href: folder.url }, "Ouvrir le dossier")] : [];
  const state = heard ? "Le serveur répond : c’est sur la page du dossier que l’on décide, elle dit où il en est." : "Le dossier peut avoir avancé depuis.";
  const said = notice("info", heard ? times(folder) : `Hors connexion. ${times(folder)}`, state, ...remedy);
  const whole = await viewer(folder, rank);
  const beside = element("aside", { class: "stack-lg", "aria-label": "Ce que dit le dossier" }, ...piece(folder.drawn));
  return [head, said, element("div", { class: "two two-beside" }, whole, beside)];
}

async function draw({ focus = false } = {}) {
  document.querySelector("[data-online]").hidden = !heard;
  const { back, folders } = await readable();
  const [id, rank] = asked();
  const folder = folders.find((one) => one.id === id);
  const place = JSON.stringify([back, heard, folder ? [id, rank] : folders.map((one) => one.id)]);
  if (place === shown) return;
  shown = place;
  if (picture) URL.revokeObjectURL(picture);
  picture = "";
  const parts = folder ? await folderPage(folder, rank || 0) : list(folders, back);
  box.replaceChildren(...parts);
  await box.querySelector(".viewer")?.ready?.();
  if (focus) box.querySelector("h1").focus();
  document.documentElement.dataset.awake = "yes";
}

async function look() {
  heard = navigator.onLine && (await contact(4).catch(() => false));
  await draw();
}

if (able) {
  window.addEventListener("hashchange", () => draw({ focus: true }));
  window.addEventListener("online", look);
  window.addEventListener("offline", look);
  window.addEventListener("storage", () => draw()); // another page of this browser took them away
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  document.addEventListener("visibilitychange", () => document.hidden || look());
  setInterval(() => draw(), LOOK);
  await look();
} else box.replaceChildren(heading("Dossiers emportés"), notice("warn", "Ce navigateur ne peut pas emporter de dossier", "Il lui manque de quoi les chiffrer."));

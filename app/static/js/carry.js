// « Emporter »: takes a folder along, asks at each page whether what was taken may still be read, and takes all of it away
// with who leaves. Loaded where a page offers it, or where something was taken.
import { able, alone, carrier, contact, destroy, destroyed, forgetAll, keepFolder, replaced } from "./carried.js";
import { busy, idle } from "./forms.js";
import { restored } from "./session.js";
import { NB, csrf, element, notice, problemFrom } from "./words.js";

const READ = "/hors-ligne/emportes";
const PATIENCE = 60_000; // ms for what reads them to come

export function startCarry(form) {
  if (!able) return;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    if (button.hasAttribute("aria-disabled")) return;
    busy(button);
    const said = await taken(form).catch(() => notice("danger", "Rien n’a été emporté", "La copie n’est pas arrivée entière ; celle d’avant, s’il y en a une, reste lisible. Vérifiez la connexion, puis recommencez."));
    said.setAttribute("role", said.matches(".note-ok") ? "status" : "alert");
    form.querySelector("[data-carry-said]").replaceChildren(said);
    idle(button);
  });
}

const post = (form) => fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, credentials: "same-origin" });

async function taken(form) {
  if (carrier() && carrier() !== document.body.dataset.account) await forgetAll();
  let answer = await post(form);
  if (answer.status === 401 && (await restored())) answer = await post(form);
  if (!answer.ok) {
    const problem = problemFrom(answer.headers.get("Content-Type"), await answer.text());
    return notice("danger", problem?.title || "Rien n’a été emporté", problem?.detail ?? "Rechargez la page, puis recommencez.");
  }
  const parcel = await answer.formData();
  const folder = JSON.parse(parcel.get("folder"));
  try {
    const files = await Promise.all(folder.documents.filter((one) => one.part).map(async (one) => [one.part, await parcel.get(one.part).arrayBuffer()]));
    if (!(await readerKept())) throw new Error("what reads it did not come");
    hook();
    const stands = await alone(async () => {
      await keepFolder(folder, files);
      return whole(folder);
    });
    if (!stands) return notice("ok", "Le dossier est emporté", "Une autre fenêtre de ce navigateur vient de l’emporter : sa copie, plus récente, est gardée.");
  } catch (error) {
    await destroy(folder.id).catch(() => {});
    await tell(folder, "rendre").catch(() => {});
    if (error?.name === "QuotaExceededError") return notice("danger", "Rien n’a été emporté", "Cet appareil n’a plus assez de place. Effacez des dossiers emportés, puis recommencez.");
    throw error;
  }
  const stay = folder.documents.filter((one) => one.why).map((one) => one.title);
  const left = stay.length ? ` Sans ${stay.map((one) => `«${NB}${one}${NB}»`).join(", ")}${NB}: à lire avec une connexion.` : "";
  return notice("ok", "Le dossier est emporté", `Lisible sur cet appareil jusqu’au ${folder.ends}.${left}`, element("a", { class: "btn btn-line", href: READ }, "Dossiers emportés"));
}

const tell = (folder, what) => fetch(`/emportes/${folder.id}/${what}`, { method: "POST", body: new URLSearchParams({ folder: folder.url.split("/").pop() }), headers: { Accept: "application/json", "X-CSRFToken": csrf() }, credentials: "same-origin" });

// The copy is here, whole: the server ends those that this browser took of the folder before, and they go. False where it is
// ended itself, by a later one that another window took; asked by who is alone.
async function whole(folder) {
  if (!(await caches.keys()).some((name) => name.startsWith("reading "))) throw new Error("what reads it went");
  const answer = await tell(folder, "arrive").catch(() => null);
  if (answer?.status === 409 || answer?.status === 404) {
    await destroyed(folder.id);
    return false;
  }
  if (answer && !answer.ok) throw new Error("the server does not know who took it");
  await replaced(folder.url, folder.id);
  return true;
}

// What reads the folders, kept by the script that answers without a network; false where it does not come.
async function readerKept() {
  await navigator.serviceWorker.register("/service-worker.js");
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    setTimeout(resolve, PATIENCE, false);
    port1.onmessage = ({ data }) => resolve(data);
    active.postMessage("reading", [port2]);
  });
}

// The logout of this page takes everything away first.
function hook() {
  for (const form of document.querySelectorAll("form[action$='/logout']")) form.addEventListener("submit", leave);
}

// Whoever is somebody else finds nothing of who was here before him.
export async function watch() {
  const { account } = document.body.dataset;
  hook();
  if (account && account !== carrier()) await forgetAll();
  else await contact();
}

async function leave(event) {
  event.preventDefault();
  await forgetAll().catch(() => {});
  event.target.submit();
}

export function startRead(link) {
  link.hidden = !carrier();
}

// A session that is over is opened again where the person is: the page, what is typed and the key that is open stay.
import { forgetAll } from "./kept.js";
import { NB, element, notice } from "./words.js";

const ASK = "/compte/session";
const FRESH = 60_000; // ms after an answer of the server: a session that ends meanwhile is told by the login page
let heard = Date.now();
const me = () => document.body.dataset.account ?? "";

// Who the server sees here, with a token for the forms of this page; null when nobody is logged in, undefined without an answer.
export async function seen() {
  try {
    const answer = await fetch(ASK, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (answer.status === 401) return null;
    if (!answer.ok) return undefined;
    heard = Date.now();
    return await answer.json();
  } catch {
    return undefined;
  }
}

// The tokens of the former session open nothing any more: every form of the page takes the new one.
function renew(token) {
  document.querySelector('meta[name="csrf-token"]').content = token;
  for (const input of document.querySelectorAll("input[name=csrf_token]")) input.value = token;
}

// Somebody else is logged in: nothing that was typed here is posted in that name, nor offered to that person.
function another() {
  forgetAll("note", "apart", "draft", "list").then(() => window.location.assign("/"));
}

// The same person works for another collectivity, in another tab: what is typed here stays, and is sent to nobody.
function moved(there) {
  if (document.querySelector(".moved-said")) return;
  const go = element("a", { class: "btn btn-primary", href: "/compte/collectivite", target: "_blank" }, "Changer de collectivité");
  const said = element("div", { class: "idle-said moved-said", role: "alert", popover: "manual" },
    notice("warn", `Vous travaillez maintenant pour ${there.collectivity}`, `Cette page est celle d’une autre collectivité${NB}: elle ne fait plus rien, et votre saisie y reste.`, go));
  (document.querySelector("dialog:modal") ?? document.body).append(said);
  said.showPopover?.();
}

const mine = (there) => String(there.person) === document.body.dataset.person;

// Whoever works for several may have changed in another tab: he is told when he comes back to this one.
export function watchMoves() {
  if (!("several" in document.body.dataset)) return;
  document.addEventListener("visibilitychange", async () => {
    if (document.hidden) return;
    const answer = await fetch(`${ASK}?regard=1`, { headers: { Accept: "application/json" }, credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok) return;
    const there = await answer.json();
    if (!mine(there)) return;
    if (String(there.account) !== me()) return void moved(there);
    if (document.querySelector(".moved-said")) renew(there.csrf); // he is back: what he typed may be sent
    document.querySelector(".moved-said")?.remove();
  });
}

export function welcome(there) {
  if (mine(there) && String(there.account) !== me()) {
    moved(there);
    return false;
  }
  if (String(there.account) !== me()) {
    another();
    return false;
  }
  renew(there.csrf);
  return true;
}

// Whether it is worth asking: a page that was just drawn was drawn for somebody who was logged in.
export const stale = () => Boolean(me()) && Date.now() - heard > FRESH;

// Whether the session is over, or another's. A silent server is not an over session: what follows says it better.
export async function over() {
  if (!stale()) return false;
  const there = await seen();
  const same = there && mine(there) && String(there.account) === me();
  if (same) renew(there.csrf); // logged in again, in another tab: the tokens of this page are of the session before
  return there === null || Boolean(there && !same);
}

const WARN = 120; // seconds before a session closes for want of use
const LONGEST = 86_400; // seconds: a timer holds 24 days at most

// Whoever reads for long is told before his session closes; a look is no use of it, the button is.
export function watchIdle(left = Number(document.body.dataset.left ?? NaN)) {
  if (!Number.isNaN(left)) setTimeout(look, Math.min(Math.max(left - WARN, 1), LONGEST) * 1000);
}

async function look() {
  const answer = await fetch(`${ASK}?regard=1`, { headers: { Accept: "application/json" }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return; // over already, or no network: what the person does next says it
  const { left } = await answer.json();
  if (left === null) return;
  if (left > WARN) return void watchIdle(left);
  const stay = element("button", { class: "btn btn-primary", type: "button" }, "Rester connecté");
  const said = element("div", { class: "idle-said", role: "alert", popover: "manual" },
    notice("warn", "Votre session se ferme dans deux minutes", "Personne ne s’en sert depuis longtemps.", stay));
  stay.addEventListener("click", async () => {
    const there = await seen();
    said.remove();
    if (there) watchIdle(there.left ?? NaN);
    else if (there === null) restored();
  });
  (document.querySelector("dialog:modal") ?? document.body).append(said); // what is outside of an open dialog hears nothing
  said.showPopover?.();
}

let asking = null;

// Makes sure that the same person is logged in: in another tab already, else by asking here. False when given up, null where
// the login could not be drawn here.
export function restored() {
  asking ??= (async () => {
    const there = await seen();
    if (there) return welcome(there);
    return there === null && import("./door.js").then((door) => door.asked()).catch(() => null);
  })().finally(() => (asking = null));
  return asking;
}

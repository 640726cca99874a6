// Folders ticked in a list: how many, for which act, for how much; the bar shows only the acts that some of them await.
import { NB, THIN } from "./words.js";

const boxes = () => [...document.querySelectorAll(".fcheck input")];
const whole = () => document.querySelector("[data-select-all]");
const folders = (count) => `${count} dossier${count > 1 ? "s" : ""}`;

function euros(cents) {
  const [whole, rest] = (cents / 100).toFixed(2).split(".");
  return `${whole.replace(/\B(?=(\d{3})+$)/g, THIN)},${rest}${NB}€`;
}

let beyond = null; // what all that the list finds awaits, once the server has counted it

async function countBeyond() {
  beyond = null;
  countSelected();
  const answer = await fetch(whole().dataset.counted).catch(() => null); // else every act is offered, and the next page counts
  if (answer?.ok) beyond = await answer.json();
  countSelected();
}

let judged = null; // of what is ticked, how many each act takes, and in how many something is to be settled first
let turn = 0;

// Asked once the hand has stopped: until then, and without an answer, the bar counts what its rows await.
function selected() {
  const own = (turn += 1);
  judged = null;
  countSelected();
  if (!boxes().some((box) => box.checked && box.dataset.act !== "other")) return;
  setTimeout(async () => {
    const form = document.querySelector("form[data-selection]");
    if (own !== turn || !form) return;
    const asked = new URLSearchParams(new FormData(form));
    asked.delete("csrf_token");
    const answer = await fetch(`${form.getAttribute("action")}/compte?${asked}`, { headers: { Accept: "application/json" } }).catch(() => null);
    const told = answer?.ok ? await answer.json().catch(() => null) : null;
    if (own !== turn) return;
    judged = told;
    countSelected();
  }, 250);
}

// What the bar says and offers; every box is read again, whoever changed it.
function countSelected() {
  const bar = document.querySelector(".batchbar:has([data-selected])");
  if (!bar) return;
  for (const box of boxes()) box.closest(".frow").classList.toggle("is-sel", box.checked);
  const ticked = boxes().filter((box) => box.checked);
  const all = whole()?.checked;
  const count = { visa: 0, sign: 0, other: 0, cents: 0 };
  for (const box of ticked) {
    count[box.dataset.act] += 1;
    count.cents += Number(box.dataset.cents);
  }
  if (all && beyond) Object.assign(count, beyond);
  const unknown = all && !beyond;
  bar.hidden = ticked.length === 0;
  const told = `${folders(ticked.length)} sélectionné${ticked.length > 1 ? "s" : ""}`;
  bar.querySelector("[data-selected]").textContent = all ? `Sélectionnés : ${whole().dataset.selectAll}` : told;
  const offered = { visa: count.visa, sign: count.sign };
  if (judged) Object.assign(count, { visa: judged.visa, sign: judged.sign });
  const facts = [count.sign && `${count.sign} à signer`, count.visa && `${count.visa} à viser`, judged?.settle && `${judged.settle} à régler d’abord`, count.other && `${count.other} autre${count.other > 1 ? "s" : ""}`, count.cents && `${euros(count.cents)} en tout`];
  bar.querySelector("[data-selected-facts]").textContent = unknown ? "" : facts.filter(Boolean).join(", ");
  bar.querySelector("[value=reject]").hidden = !(unknown || offered.visa + offered.sign);
  for (const [act, verb] of [["visa", "Viser"], ["sign", "Signer"]]) {
    const button = bar.querySelector(`[data-for=${act}]`);
    button.hidden = offered[act] === 0 && !unknown;
    button.querySelector("span").textContent = unknown || !count[act] ? `${verb}…` : `${verb} ${folders(count[act])}…`;
  }
}

function emptySelection() {
  const bar = document.querySelector(".batchbar:has([data-selected])");
  const row = document.querySelector(".frow.is-cursor") ?? document.querySelector(".frow.is-sel");
  const left = bar?.contains(document.activeElement); // it goes with what is ticked
  for (const box of boxes()) box.checked = false;
  if (whole()) whole().checked = false;
  selected();
  if (left) row?.querySelector(".ftitle")?.focus();
}

// « Autres gestes… » is a page of its own: back from it with nothing done, what was ticked is ticked, and the focus on its button.
const OTHERS = '[formaction$="/ensemble"]';
const KEPT = "ticked";

function keepTicked() {
  const ticked = boxes().filter((box) => box.checked).map((box) => box.value);
  sessionStorage.setItem(KEPT, JSON.stringify({ ticked, all: Boolean(whole()?.checked) }));
}

function restoreTicked() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  const from = document.referrer && new URL(document.referrer);
  const there = from && from.origin === location.origin && from.pathname.startsWith("/a-traiter/");
  const back = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  if (!kept || !(there || back) || document.querySelector(".flash")) return;
  for (const box of boxes()) box.checked = kept.ticked.includes(box.value); // one that changed since is ticked anew
  if (kept.all && whole() && boxes().every((box) => box.checked)) {
    whole().checked = true;
    countBeyond();
  }
  selected();
  document.querySelector(OTHERS).focus();
}

export function startSelection() {
  document.addEventListener("change", (event) => {
    if (event.target === whole()) {
      if (whole().checked) {
        for (const box of boxes()) box.checked = true;
        countBeyond();
      }
    } else if (!event.target.matches(".fcheck input")) return;
    else if (whole() && !event.target.checked) whole().checked = false; // no longer all that the list has
    selected();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest(OTHERS)) keepTicked();
    if (event.target.closest("[data-select-none]")) emptySelection();
    if (!event.target.closest("[data-select-page]")) return;
    for (const box of boxes()) box.checked = true;
    selected();
  });
  // A page brought back by the browser's history shows what is still ticked.
  window.addEventListener("pageshow", selected);
  selected();
  restoreTicked();
}

// A folder that is opened from a search, from Suivi or from a view goes back there, and J and K walk that list. The server
// knows the place in « À traiter » alone: the list that was looked at last is kept in this tab (`kept.js`), and serves for the
// folders that stand in it.
import { forget, keep, kept } from "./kept.js";
import { element, icon } from "./words.js";

const NAME = "list last";
const DRAFT = "/brouillon"; // where a draft is filled in: its own page only shows it
const numberOf = (path) => /^\/dossiers\/(\d+)(?:\/brouillon)?$/.exec(path)?.[1];

// The folders of a page, in their order. `data-list`: the rank of the first, and how many the whole list has, where the server
// knows them; nothing is said of a rank without them.
export function startList(list) {
  const own = { address: location.pathname + location.search, title: document.querySelector("h1").textContent.trim() };
  if (location.pathname === "/a-traiter" && !location.search) return forget(NAME);
  const links = [...document.querySelectorAll("main :is(.frow, .hit) a.ftitle, main .tbl-rows td.wide a")];
  const folders = [...new Set(links.map((link) => numberOf(link.pathname)).filter(Boolean))];
  const drafts = links.filter((link) => link.pathname.endsWith(DRAFT)).map((link) => numberOf(link.pathname));
  const [first = 0, total = 0] = list.dataset.list.split(" ").map(Number);
  const more = document.querySelector("main a[rel=next]")?.href ?? "";
  return keep(NAME, { ...own, first, total, more, folders, drafts });
}

function step(href, key, drawn, words) {
  return element("a", { class: "btn btn-quiet btn-ic", href, rel: key === "j" ? "next" : "prev", "data-key": key }, icon(drawn), element("span", { class: "visually-hidden" }, words));
}

// The button of a draft that goes on to the next one says J too: it follows the list that the draft was opened from, and where
// that list ends there is none.
function follow(pager) {
  const own = [...document.querySelectorAll('[data-key="j"]')].find((one) => !pager.contains(one));
  const next = pager.querySelector('[data-key="j"]');
  if (!own) return;
  if (!next) return own.remove();
  own.href = next.getAttribute("href");
  next.removeAttribute("data-key");
  next.querySelector(".visually-hidden").textContent = "Dossier suivant de la liste";
}

export async function startPlace(head) {
  const { address, title, first, total, more, folders = [], drafts = [] } = (await kept(NAME)) ?? {};
  const at = folders.indexOf(numberOf(location.pathname));
  if (at < 0) return;
  const back = head.querySelector("[data-back]");
  back.href = address;
  back.querySelector(".visually-hidden").textContent = `Retour à la liste « ${title} »`;
  const pager = head.querySelector(".pager") ?? element("div", { class: "pager" });
  const path = (number) => `/dossiers/${number}${drafts.includes(number) ? DRAFT : ""}`;
  const parts = total ? [element("span", { class: "opt nowrap" }, `${first + at} sur ${total}`)] : [];
  if (at) parts.push(step(path(folders[at - 1]), "k", "chevron-up", "Dossier précédent (touche K)"));
  if (at + 1 < folders.length) parts.push(step(path(folders[at + 1]), "j", "chevron-down", "Dossier suivant (touche J)"));
  else if (more) parts.push(step(more, "j", "chevron-down", "Suite de la liste (touche J)"));
  pager.replaceChildren(...parts);
  follow(pager);
  head.querySelector(".fhead-line").append(pager);
}

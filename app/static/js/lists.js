// A folder that is opened from a search, from Suivi or from a view goes back there, and J and K walk that list. The server
// knows the place in « À traiter » alone: the list that was looked at last is kept in this tab (`kept.js`), and serves for the
// folders that stand in it.
import { forget, keep, kept } from "./kept.js";
import { element, icon } from "./words.js";

const NAME = "list last";
const numberOf = (path) => /^\/dossiers\/(\d+)(?:\/brouillon)?$/.exec(path)?.[1];

// The folders of a page, in their order.
export function startList() {
  const own = { address: location.pathname + location.search, title: document.querySelector("h1").textContent.trim() };
  if (location.pathname === "/a-traiter" && !location.search) return forget(NAME);
  const links = document.querySelectorAll("main :is(.frow, .hit) a.ftitle, main .tbl-rows td.wide a");
  return keep(NAME, { ...own, folders: [...new Set([...links].map((link) => numberOf(link.pathname)).filter(Boolean))] });
}

function step(folder, key, drawn, words) {
  return element("a", { class: "btn btn-quiet btn-ic", href: `/dossiers/${folder}`, rel: key === "j" ? "next" : "prev", "data-key": key }, icon(drawn), element("span", { class: "visually-hidden" }, words));
}

export async function startPlace(head) {
  const { address, title, folders = [] } = (await kept(NAME)) ?? {};
  const at = folders.indexOf(numberOf(location.pathname));
  if (at < 0) return;
  const back = head.querySelector("[data-back]");
  back.href = address;
  back.querySelector(".visually-hidden").textContent = `Retour à la liste « ${title} »`;
  const pager = head.querySelector(".pager") ?? element("div", { class: "pager" });
  const parts = [element("span", { class: "opt nowrap" }, `${at + 1} sur ${folders.length}`)];
  if (at) parts.push(step(folders[at - 1], "k", "chevron-up", "Dossier précédent (touche K)"));
  if (at + 1 < folders.length) parts.push(step(folders[at + 1], "j", "chevron-down", "Dossier suivant (touche J)"));
  pager.replaceChildren(...parts);
  head.querySelector(".fhead-line").append(pager);
}

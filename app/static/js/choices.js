// A long list is searched by words: each one begins a word of the label, or the code; accents do not count.
import { element } from "./words.js";

const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const cut = (text) => folded(text).split(/[^\p{L}\p{N}.]+/u).filter(Boolean);

function answers(option, words) {
  const parts = cut(option.text);
  return words.every((word) => parts.some((part) => part.startsWith(word)));
}

export function startSearch(select) {
  const every = [...select.children].map((node) => node.cloneNode(true));
  const id = `${select.id}-recherche`;
  const input = element("input", { id, type: "search", class: "form-control mb-1", autocomplete: "off" });
  const label = element("label", { for: id, class: "form-label small" }, "Chercher par mots");
  const status = element("p", { class: "form-text", role: "status" });
  const room = element("div"); // one row of the form's grid
  select.closest(".field")?.classList.add("span"); // its neighbour would grow with it
  select.replaceWith(room);
  room.append(label, input, select, status);

  const show = () => {
    const words = cut(input.value);
    const chosen = select.value;
    let found = 0;
    const kept = every.map((node) => node.cloneNode(true));
    for (const option of kept.flatMap((node) => [...(node.tagName === "OPTGROUP" ? node.children : [node])])) {
      const good = option.value !== "" && answers(option, words);
      if (good) found += 1;
      else if (option.value !== "" && option.value !== chosen) option.remove();
    }
    // An option of its own was not in a group: taken out above, it has no parent to be taken out of
    select.replaceChildren(...kept.filter((node) => node.tagName === "OPTGROUP" ? node.children.length : node.value === "" || node.value === chosen || answers(node, words)));
    select.value = chosen;
    status.textContent = words.length === 0 ? "" : found === 0 ? "Aucune réponse" : `${found} réponse${found > 1 ? "s" : ""}`;
    return words;
  };
  input.addEventListener("input", (event) => {
    event.stopPropagation(); // looking for an answer is not giving one
    show();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    event.preventDefault(); // Enter would send the form
    const words = show();
    const first = [...select.options].find((option) => option.value && answers(option, words));
    if (event.key === "Enter" && words.length && first) {
      select.value = first.value;
      select.dispatchEvent(new Event("input", { bubbles: true }));
      select.dispatchEvent(new Event("change", { bubbles: true }));
    }
    select.focus();
  });
}

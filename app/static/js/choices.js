// A long list is searched by words: each one begins a word of the label, or the code; accents do not count. One that the
// page does not hold whole is asked of the server, at `data-from`.
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

  if (select.dataset.from) return asking(select, input, status);
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

const PAUSE = 200; // milliseconds without a sign before the server is asked

// The last words typed count: an answer to others, late, changes nothing.
function asking(select, input, status) {
  const begin = [...select.children].map((one) => one.cloneNode(true)); // in their groups
  const values = [...select.options].map((one) => one.value);
  let turn = 0;
  const put = (nodes, offered) => {
    const chosen = select.selectedOptions[0];
    const kept = chosen?.value && chosen.value !== begin[0].value && !offered.includes(chosen.value) ? [chosen.cloneNode(true)] : [];
    const { value } = select;
    select.replaceChildren(begin[0].cloneNode(true), ...kept, ...nodes);
    select.value = value;
  };
  const ask = async () => {
    turn += 1;
    const mine = turn;
    const words = input.value.trim();
    if (!words) {
      put(begin.slice(1).map((one) => one.cloneNode(true)), values);
      status.textContent = "";
      return null;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (mine !== turn) return null;
    const address = new URL(select.dataset.from, location.href);
    address.searchParams.set("q", words);
    const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" }).catch(() => null);
    if (mine !== turn) return null;
    if (!answer?.ok || answer.redirected) {
      status.textContent = "La liste n’a pas répondu. Réessayez, ou rechargez la page.";
      return null;
    }
    const { options, more } = await answer.json();
    if (mine !== turn) return null;
    put(options.map(([value, label]) => new Option(label, value)), options.map(([value]) => value));
    const many = options.length > 1 ? "s" : "";
    status.textContent = !options.length ? "Aucune réponse" : more ? `${options.length} premières réponses : précisez` : `${options.length} réponse${many}`;
    return options[0]?.[0];
  };
  status.textContent = "Le début de la liste : cherchez les autres par mots.";
  input.addEventListener("input", (event) => {
    event.stopPropagation();
    void ask();
  });
  input.addEventListener("keydown", async (event) => {
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const { key } = event;
    const first = await ask();
    if (key === "Enter" && first) {
      select.value = first;
      select.dispatchEvent(new Event("input", { bubbles: true }));
      select.dispatchEvent(new Event("change", { bubbles: true }));
    }
    select.focus();
  });
}

// Who is named after « @ » in a note is ticked among those who may be told, and the page says who as one types. The server
// reads the same words by the same rule (`app/folders/mentions.py`).
import { NB, quoted } from "./words.js";

const AT = /(?<![\p{L}\p{N}_@.])@(?=\p{L})/gu;
const AFTER = /^\p{L}+(?:[ \u00a0\u202f'’-]?\p{L}+){0,7}/u;
const cut = (text) => text.match(/\p{L}+/gu) ?? [];
const key = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const begins = (keys, name) => name.length > 0 && name.every((word, n) => keys[n] === word);

export function startMentions(form) {
  const area = form.querySelector("[name=words]");
  const words = form.querySelector(`#${area.id}-nommer`);
  const reach = form.elements.reach;
  const usual = words.textContent;
  const people = [...form.querySelectorAll("[name=told]")].map((box) => {
    const label = box.labels[0].textContent.trim();
    return { box, label, name: cut(label).map(key) };
  });
  let ticked = new Set(); // by what is written

  const named = () => {
    const [found, unknown] = [new Set(), new Set()];
    for (const at of area.value.matchAll(AT)) {
      const after = cut(area.value.slice(at.index + 1).match(AFTER)[0]);
      const keys = after.map(key);
      const on = after.length > 1 && /^\p{Lu}/u.test(after[1]);
      const ways = [({ name }) => begins(keys, name), ({ name }) => begins(keys, name.slice(1)), ({ name }) => name[0] === keys[0] && !on];
      const bearers = ways.map((way) => people.filter(way)).find((some) => some.length) ?? [];
      if (bearers.length === 1) found.add(bearers[0]);
      else unknown.add(after.slice(0, on ? 2 : 1).join(" "));
    }
    return [found, unknown];
  };
  const look = () => {
    const [found, unknown] = named();
    const alone = reach?.value === "alone";
    if (alone) found.clear();
    for (const one of ticked) if (!found.has(one)) one.box.checked = false;
    for (const one of found) one.box.checked = true;
    ticked = found;
    const parts = [];
    if (alone && area.value.match(AT)) parts.push(`Note pour vous seul${NB}: personne n’est prévenu.`);
    else {
      if (found.size) parts.push(`Courriel à ${[...found].map((one) => one.label).join(", ")}.`);
      if (unknown.size) parts.push(`${[...unknown].map((name) => quoted(`@${name}`)).join(", ")}${NB}: personne de ce nom parmi ceux que l’on peut prévenir.`);
    }
    const said = parts.join(" ") || usual;
    if (words.textContent !== said) words.textContent = said;
  };
  area.addEventListener("input", look);
  reach?.addEventListener("change", look);
  if (area.value) look();
}

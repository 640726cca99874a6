// Who is named after « @ » in a note is ticked among those who may be told, and the page says who as one types. The server
// reads the same words by the same rule (`app/folders/mentions.py`) where this script does not.
import { NB, quoted } from "./words.js";

const AT = /(?<![\p{L}\p{N}_@.])@(?=\p{L})/gu;
const JOINED = /\p{L}+(?:['’-]\p{L}+)*/gu; // one name, of which a part names nobody
const AFTER = /^\p{L}+(?:['’-]\p{L}+)*(?:[ \u00a0\u202f]\p{L}+(?:['’-]\p{L}+)*){0,7}/u;
const LIGATURES = { œ: "oe", æ: "ae", ß: "ss" };
const cut = (text) => text.match(JOINED) ?? [];
const key = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[œæß]/g, (one) => LIGATURES[one]);
const joined = (names) => names.flatMap((name) => name.split(/['’-]/)).map(key).join(" ");
const namedOn = (after) => /^\p{Lu}/u.test(after[1] ?? "");

// The names that follow each « @ ».
const mentions = (text) => [...text.matchAll(AT)].map((at) => cut(text.slice(at.index + 1).match(AFTER)[0]));
const unknownIn = (after) => after.slice(0, namedOn(after) ? 2 : 1).join(" ");

// Who of these people alone is named so: by the whole name, else the family name, else the first name; the longest.
function bearer(after, people) {
  const ends = after.map((_, n) => joined(after.slice(0, n + 1)));
  for (const way of [(name) => name, (name) => name.slice(1), (name) => name.slice(0, 1)]) {
    const alone = way([1, 2, 3]).length === 1;
    const fits = people.map(({ label }) => joined(way(cut(label)))).map((name) => {
      const end = name ? ends.indexOf(name) : -1;
      return end < 0 || (alone && namedOn(after.slice(end))) ? 0 : name.split(" ").length;
    });
    const longest = Math.max(0, ...fits);
    if (longest) return fits.indexOf(longest) === fits.lastIndexOf(longest) ? people[fits.indexOf(longest)] : null;
  }
  return null;
}

// Whom these words name, and the names after « @ » that none of these people alone bears.
export function named(text, people) {
  const [found, unknown] = [new Set(), new Set()];
  for (const after of mentions(text)) {
    const who = bearer(after, people);
    if (who) found.add(who);
    else unknown.add(unknownIn(after));
  }
  return [found, unknown];
}

export function startMentions(form) {
  const area = form.querySelector("[name=words]");
  const words = form.querySelector(`#${area.id}-nommer`);
  const reach = form.elements.reach;
  const usual = words.textContent;
  const people = [...form.querySelectorAll("[name=told]")].map((box) => ({ box, label: box.labels[0].textContent.trim() }));
  let ticked = new Set(); // by what is written

  const look = () => {
    const [found, unknown] = named(area.value, people);
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

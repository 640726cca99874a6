// Who is named after « @ » in a note is ticked among those who may be told, and the page says who as one types. The server
// reads the same words by the same rule (`app/folders/mentions.py`) where this script does not.
import { NB, element, quoted } from "./words.js";

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
  const { reach } = form.elements; // an answer has none: it is for those who read what it answers
  const usual = words.textContent;
  const people = [...form.querySelectorAll("[name=told]")].map((box) => {
    return { box, label: box.labels[0].textContent.trim(), desks: box.dataset.desks.split(" "), away: box.dataset.away };
  });
  const listed = (some) => [...some].map((one) => one.label).join(", ");
  const dated = (some) => some.map((one) => (one.away ? `${one.label} (${one.away})` : one.label)).join(", ");
  const spared = new Set(); // unticked by hand
  let [found, ticked] = [new Set(), new Set()]; // by what is written

  const look = () => {
    const [to, desk] = (reach?.value ?? form.dataset.mentions).split("-");
    const alone = to === "alone";
    const readers = desk ? people.filter((one) => one.desks.includes(desk)) : alone ? [] : people;
    const [outside, unknown] = [new Set(), new Set()];
    found = new Set();
    for (const after of mentions(area.value)) {
      const who = bearer(after, readers);
      const other = who ?? bearer(after, people);
      if (who) found.add(who);
      else if (other) outside.add(other);
      else unknown.add(unknownIn(after));
    }
    if (form.dataset.read !== undefined) { // as it was sent and refused: what was unticked then stays so
      delete form.dataset.read;
      for (const one of found) (one.box.checked ? ticked : spared).add(one);
    }
    for (const one of ticked) if (!found.has(one)) one.box.checked = !ticked.delete(one);
    for (const one of found) if (!one.box.checked && !spared.has(one)) one.box.checked = Boolean(ticked.add(one));
    const parts = [];
    const told = readers.filter((one) => one.box.checked);
    const left = [...found].filter((one) => !one.box.checked);
    if (alone && area.value.match(AT)) parts.push(`Note pour vous seul${NB}: personne n’est prévenu.`);
    else if (!alone) {
      if (told.length) parts.push(`Courriel à ${dated(told)}.`);
      if (left.length) parts.push(`Pas de courriel à ${listed(left)}.`);
      if (outside.size) parts.push(`Pas de courriel à ${listed(outside)}${NB}: cette note n’est pas pour ${outside.size > 1 ? "leur" : "son"} bureau.`);
      if (unknown.size) parts.push(`${[...unknown].map((name) => quoted(`@${name}`)).join(", ")}${NB}: personne de ce nom parmi ceux que l’on peut prévenir.`);
    }
    const said = parts.join(" ") || usual;
    if (words.textContent !== said) words.textContent = said;
  };
  for (const one of people) {
    one.box.addEventListener("change", () => {
      if (one.box.checked) spared.delete(one);
      else if (found.has(one)) spared.add(one);
      ticked.delete(one); // it is the hand's now
      look();
    });
  }
  area.addEventListener("input", look);
  reach?.addEventListener("change", look);
  form.addEventListener("submit", look);
  look();
  form.append(element("input", { type: "hidden", name: "mentions", value: "read" })); // from here the boxes alone say who is told
}

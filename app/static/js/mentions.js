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

const BEGUN = /(?<![\p{L}\p{N}_@.])@([\p{L}'’ \u00a0\u202f-]{0,60})$/u; // where the next sign goes
const OFFERED = 5;

// Whether each word that was begun begins a word of the name, in its order; a name written whole asks for nothing more.
function completes(begun, label) {
  const parts = joined(cut(label)).split(" ");
  const words = joined(cut(begun)).split(" ").filter(Boolean);
  if (words.join(" ") === parts.join(" ")) return false;
  let from = 0;
  return words.every((word) => {
    const at = parts.findIndex((part, rank) => rank >= from && part.startsWith(word));
    from = at + 1;
    return at >= 0;
  });
}

// The people whose name what stands before the cursor begins, as buttons under the words: Tab reaches them, and so does a finger.
function startOffers(area, after, readers) {
  const offers = element("div", { class: "chips mt-2", role: "group", "aria-label": "Noms à mettre après « @ »" });
  const heard = element("p", { class: "visually-hidden", role: "status" }); // for who does not see them come
  offers.hidden = true;
  after.after(heard, offers);
  const begun = () => (area.selectionStart === area.selectionEnd ? area.value.slice(0, area.selectionStart).match(BEGUN) : null);
  const put = (label) => {
    const at = begun();
    const end = area.selectionEnd;
    area.focus();
    if (at) area.setRangeText(`@${label}${/^\s/.test(area.value.slice(end)) ? "" : " "}`, at.index, end, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const offer = () => {
    const at = begun();
    const fits = at ? readers().filter(({ label }) => completes(at[1], label)).slice(0, OFFERED) : [];
    offers.hidden = !fits.length;
    const many = fits.length > 1 ? "s" : "";
    heard.textContent = fits.length ? `${fits.length} nom${many} proposé${many} après « @ », par la touche Tab` : "";
    offers.replaceChildren(...fits.map(({ label }) => {
      const chip = element("button", { type: "button", class: "chip text-wrap" }, label);
      chip.addEventListener("click", () => put(label));
      return chip;
    }));
  };
  for (const event of ["input", "click", "keyup"]) area.addEventListener(event, offer);
  area.form.elements.reach?.addEventListener("change", offer);
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

  const read = () => {
    const [to, desk] = (reach?.value ?? form.dataset.mentions).split("-");
    return desk ? people.filter((one) => one.desks.includes(desk)) : to === "alone" ? null : people;
  };
  const look = () => {
    const alone = !read();
    const readers = read() ?? [];
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
  startOffers(area, words, () => read() ?? []);
  form.append(element("input", { type: "hidden", name: "mentions", value: "read" })); // from here the boxes alone say who is told
}

// What an absence will stop is looked up when the page opens, at each change and at « Entrée », before the button that writes
// it: the answer is put in place, and the keyboard stays where it was. « Voir ce qui bloquera » asks for the page where there
// is no script; here it is shown only while there was no answer, to ask again.
import { over, restored } from "./session.js";

const WAIT = 400; // milliseconds without a change before the question is asked
const LONG = 1_000; // after which it is said that one waits

// The planning of a page that was asked beside this one, put in the place of what stands here: what is typed stays
function show(planning, page) {
  const next = page.querySelector("#planning");
  if (!next) return false;
  planning.querySelector("[data-weeks]").replaceChildren(...next.querySelector("[data-weeks]").childNodes);
  const links = next.querySelectorAll(".cap a");
  planning.querySelectorAll(".cap a").forEach((link, n) => (link.href = links[n].href));
  planning.querySelector("[data-period]").textContent = next.querySelector("[data-period]").textContent;
  return true;
}

async function turn(planning, link) {
  try {
    const reply = await fetch(link.href, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (!show(planning, page)) location.assign(link.href);
  } catch {
    planning.querySelector("[data-period]").textContent = "Pas de réponse : réessayez.";
  }
}

export function startAbsence(form) {
  const section = form.querySelector("#bloquera");
  const answer = section.querySelector("[data-answer]");
  const button = section.querySelector("[data-preview]");
  const planning = document.getElementById("planning");
  let [timer, latest, another, moved] = [0, 0, false, false];
  button.hidden = true;

  const tell = (words) => {
    section.querySelector("[data-told]").textContent = words;
  };

  function fail() {
    tell("Pas de réponse : demandez à voir.");
    button.hidden = false;
  }

  // The fields that depend on who will be away, for whom another was chosen
  function follow(page) {
    another = false;
    for (const field of form.querySelectorAll("[data-of-person]")) {
      const next = page.getElementById(field.id);
      if (!next) continue;
      const at = field.contains(document.activeElement) ? document.activeElement.id : "";
      const fresh = document.adoptNode(next);
      field.replaceWith(fresh);
      document.body.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: fresh } }));
      if (at) (document.getElementById(at) ?? fresh.querySelector("select")).focus();
    }
  }

  // `look`: it was asked for, and is brought into sight
  async function ask(look = false) {
    clearTimeout(timer);
    const mine = (latest += 1);
    if ((await over()) && !(await restored())) return void (mine === latest && fail());
    const slow = setTimeout(() => mine === latest && tell("Recherche de ce qui bloquera"), LONG);
    try {
      const reply = await fetch(button.formAction, { method: "POST", body: new FormData(form), credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      const next = page.querySelector("#bloquera [data-answer]");
      const count = page.querySelector("#bloquera [data-told]");
      if (mine !== latest) return;
      if (!next) return void fail();
      if (another) follow(page);
      if (moved) show(planning, page);
      moved = false;
      answer.replaceChildren(...next.childNodes);
      tell(count.textContent);
      button.hidden = button !== document.activeElement;
      if (look) section.scrollIntoView({ block: section.offsetHeight > innerHeight / 2 ? "start" : "nearest" });
    } catch {
      if (mine === latest) fail();
    } finally {
      clearTimeout(slow);
    }
  }

  const dated = () => form.elements.du.value && form.elements.au.value;
  form.addEventListener("change", ({ target }) => {
    if (!target.name) return; // words by which a list is searched
    clearTimeout(timer);
    latest += 1; // an answer to what was there before, late, changes nothing
    moved ||= target.name === "du"; // the planning follows the day on which it begins
    if (target.name === "pour") {
      form.elements.bureau.value = ""; // those of somebody else
      another = true;
    }
    if (another || dated()) timer = setTimeout(() => void ask(), WAIT);
    else [answer, section.querySelector("[data-told]")].forEach((one) => one.replaceChildren()); // of days that are no more there
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter !== button) return;
    event.preventDefault();
    void ask(true);
  });
  planning.addEventListener("click", (event) => {
    const link = event.target.closest(".cap a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void turn(planning, link);
  });
  if (section.dataset.awaited !== undefined && dated()) void ask();
}

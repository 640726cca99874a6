// What an absence will stop is looked up when the page opens and again at each change, before the button that writes it.
// Without this, the button « Voir ce qui bloquera » asks for the page.
import { over, restored } from "./session.js";

const WAIT = 400; // milliseconds without a change before the question is asked
const LONG = 1_000; // after which it is said that one waits

export function startAbsence(form) {
  const section = form.querySelector("#bloquera");
  const button = () => section.querySelector("[data-preview]");
  let [timer, latest] = [0, 0];

  const tell = (words) => {
    section.querySelector("[data-told]").textContent = words;
  };

  async function ask() {
    const mine = (latest += 1);
    if ((await over()) && !(await restored())) return;
    const slow = setTimeout(() => mine === latest && tell("Recherche de ce qui bloquera"), LONG);
    try {
      const body = new FormData(form);
      const answer = await fetch(button().formAction, { method: "POST", body, credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.getElementById("bloquera");
      if (mine !== latest) return;
      if (!next) return void tell("Pas de réponse : demandez à voir.");
      const at = section.contains(document.activeElement) && document.activeElement.dataset.preview !== undefined;
      section.replaceChildren(...next.childNodes);
      if (at) button().focus();
    } catch {
      if (mine === latest) tell("Pas de réponse : demandez à voir.");
    } finally {
      clearTimeout(slow);
    }
  }

  const dated = () => form.elements.du.value && form.elements.au.value;
  form.addEventListener("change", ({ target }) => {
    clearTimeout(timer);
    if (!target.name) return; // words by which a list is searched
    if (target.name === "pour") {
      form.elements.bureau.value = ""; // those of somebody else
      return void form.requestSubmit(button());
    }
    if (dated()) timer = setTimeout(() => void ask(), WAIT);
  });
  if (section.dataset.awaited !== undefined && dated()) void ask();
}

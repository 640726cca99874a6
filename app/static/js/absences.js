// What an absence will stop is looked up again at each change, before the button that writes it. Without this, the button
// « Voir ce qui bloquera » asks for the page.
import { over, restored } from "./session.js";

const WAIT = 400; // milliseconds without a change before the question is asked

export function startAbsence(form) {
  const button = () => form.querySelector("[data-preview]");
  let [timer, latest] = [0, 0];

  async function ask() {
    const mine = (latest += 1);
    if ((await over()) && !(await restored())) return;
    const data = new FormData(form);
    const answer = await fetch(button().formAction, { method: "POST", body: data, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.getElementById("bloquera");
    if (mine !== latest || !next) return;
    const told = page.getElementById("absence-error");
    if (told) next.querySelector("p").textContent = told.textContent;
    const at = document.activeElement?.closest("#bloquera") ? document.activeElement.dataset.preview : undefined;
    form.querySelector("#bloquera").replaceWith(document.adoptNode(next));
    if (at !== undefined) button().focus();
  }

  form.addEventListener("change", ({ target }) => {
    clearTimeout(timer);
    if (target.name === "pour") return void form.requestSubmit(button());
    if (form.elements.du.value && form.elements.au.value) timer = setTimeout(() => void ask().catch(() => {}), WAIT);
  });
}

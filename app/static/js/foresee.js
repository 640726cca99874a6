// What saving would stop, asked of the server at each tick and shown beside the button before anything is written.
import { notice } from "./words.js";

export function startForesight(form) {
  const room = form.querySelector("[data-stops]");
  let turn = 0;

  function put(...nodes) {
    // The same words stay: what was confirmed of them stays confirmed
    if (nodes.map((one) => one.textContent).join("").trim() !== room.textContent.trim()) room.replaceChildren(...nodes);
  }

  form.addEventListener("change", async ({ target }) => {
    if (target.name === "sure" || !target.name) return;
    const mine = (turn += 1);
    const answer = await fetch(form.dataset.foresee, { method: "POST", body: new FormData(form), credentials: "same-origin" }).catch(() => null);
    const told = answer?.ok && !answer.redirected ? await answer.text() : null;
    if (mine !== turn) return;
    if (told === null) put(notice("info", "Ce que cela arrêterait n’a pas pu être calculé", "Rien n’est enregistré. Si quelque chose devait s’arrêter, « Enregistrer » le dira d’abord."));
    else put(...new DOMParser().parseFromString(told, "text/html").body.childNodes);
  });
}

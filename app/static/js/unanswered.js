// What a page says over itself where no server answers: it is here before it is needed, since nothing comes then.
import { whereUnanswered } from "./dialogs.js";
import { NB, element, notice } from "./words.js";

function tell() {
  const title = navigator.onLine ? "Pas de réponse du serveur" : "Hors ligne";
  const words = notice("danger", `${title}${NB}: rien ne s’est ouvert`, "Cette page reste telle qu’elle est, avec ce que vous y avez écrit. Recommencez une fois la connexion revenue.");
  const said = element("div", { class: "idle-said", role: "alert", popover: "auto" }, words);
  said.addEventListener("toggle", ({ newState }) => newState === "closed" && said.remove());
  window.addEventListener("online", () => said.remove(), { once: true });
  document.querySelector(".idle-said[popover=auto]")?.remove();
  document.body.append(said);
  said.showPopover?.();
}

export const startUnanswered = () => whereUnanswered(tell);

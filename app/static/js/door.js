// The login, drawn over the page whose session is over.
import { startPasskey } from "./passkeys.js";
import { seen, welcome } from "./session.js";
import { NB, THIN, element, icon, notice } from "./words.js";

async function atTheDoor() {
  return doorIn(await fetch("/login", { credentials: "same-origin" }));
}

// What a page of the door asks: its forms, the password's, a key's, a code's, each with the address where it goes; and
// what it says of the answer before.
async function doorIn(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const parts = [...page.querySelectorAll("main [data-door]")].map((one) => document.adoptNode(one));
  for (const form of parts.filter((one) => one.matches("form"))) {
    form.action = new URL(form.getAttribute("action") ?? "", answer.url).href;
  }
  // The page beneath may hold fields of the same names
  for (const one of parts.flatMap((part) => [...part.querySelectorAll("[id], [for], [aria-describedby], [data-reveal]")])) {
    for (const name of ["id", "for", "aria-describedby", "data-reveal"]) {
      const value = one.getAttribute(name);
      if (value) one.setAttribute(name, value.split(" ").map((id) => `reconnect-${id}`).join(" "));
    }
  }
  const said = page.querySelector("main .note-danger .note-t, main .flash span")?.textContent.trim() ?? "";
  return { parts, said, error: Boolean(page.querySelector("main .note-danger")) };
}

// Asks here who one is; gives whether the same person is back, null where the login has nothing to ask with.
export async function asked() {
  const first = await atTheDoor().catch(() => ({ parts: [] }));
  if (!first.parts.some((one) => one.matches("form"))) return null;
  const title = element("h2", { id: "reconnect-t", tabindex: "-1" }, "Votre session s’est fermée");
  const lead = element("p", { class: "small quiet mt-1" }, `Reconnectez-vous ici${NB}: la page reste comme elle est, votre saisie aussi.`);
  const close = element("button", { class: "btn btn-quiet btn-ic", type: "button" }, icon("x-lg"), element("span", { class: "visually-hidden" }, "Fermer"));
  const problem = element("div", { role: "alert" });
  const place = element("div", { class: "stack" });
  const dialog = element("dialog", { class: "dlg", "aria-labelledby": "reconnect-t" },
    element("div", { class: "dlg-h" }, element("div", {}, title, lead), close),
    element("div", { class: "dlg-b" }, problem, place));
  document.body.append(dialog);
  return new Promise((resolve) => {
    let back = false;
    const draw = ({ parts, said, error }) => {
      place.replaceChildren(...parts);
      problem.replaceChildren(...(said ? [notice("danger", said)] : []));
      for (const one of place.querySelectorAll("[data-reveal]")) one.hidden = false;
      const name = place.querySelector("[name=login]");
      if (name && !name.value) name.value = document.body.dataset.login ?? "";
      const forms = parts.filter((one) => one.matches("form"));
      const typed = (form) => !form.matches("[data-passkey]");
      for (const form of forms) {
        if (typed(form)) form.addEventListener("submit", (event) => {
          event.preventDefault();
          send(form);
        });
        else startPasskey(form, send);
      }
      // Whoever typed a wrong code types another; else the key's button comes first where a key is awaited
      const shown = forms.filter((one) => !one.hidden);
      const form = (error && shown.find(typed)) || shown[0];
      const fields = [...form.querySelectorAll("input:not([type=hidden], [type=checkbox])")];
      (fields.find((one) => !one.value) ?? fields[0] ?? form.querySelector("[type=submit]")).focus();
    };
    const send = async (form) => {
      if (form.dataset.sent) return;
      form.dataset.sent = "yes";
      try {
        const answer = await fetch(form.action, { method: "POST", body: new FormData(form), credentials: "same-origin" });
        const there = await seen();
        if (there) {
          back = welcome(there);
          return dialog.close();
        }
        const next = await doorIn(answer);
        const minutes = Math.ceil((Number(answer.headers.get("Retry-After")) || 60) / 60);
        const wait = minutes > 1 ? `${minutes}${NB}minutes` : "une minute";
        draw(next.parts.length ? next : { ...(await atTheDoor()), said: `Trop d’essais${NB}: attendez ${wait}, puis recommencez.` });
      } catch {
        delete form.dataset.sent;
        problem.replaceChildren(notice("danger", "Le serveur n’a pas répondu", `Vérifiez la connexion${THIN}; rien n’est perdu.`));
      }
    };
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(back);
    });
    dialog.showModal();
    draw({ ...first, said: "" }); // what that page had to say of something else was not asked here
  });
}

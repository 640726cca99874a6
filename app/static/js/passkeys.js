// A form whose answer a passkey gives: the question comes from the server, the browser's own functions read and write it.
import { busy, idle } from "./forms.js";
import { exchange, exchangeOnce } from "./signer.js";
import { notice } from "./words.js";

// What the browser says of a key that was not given, in the person's words.
const WORDS = {
  NotAllowedError: ["Rien n’a été fait", "L’appareil n’a pas répondu, ou vous avez renoncé. Recommencez quand vous voulez."],
  InvalidStateError: ["Cette clé est déjà inscrite", "Prenez un autre appareil, ou gardez celle-ci."],
};

const WHOLE = ["identity-needed", "identity-whole"];

export async function answered({ token, options }, make) {
  const { parseCreationOptionsFromJSON: creation, parseRequestOptionsFromJSON: request } = PublicKeyCredential;
  const publicKey = make ? creation.call(PublicKeyCredential, options) : request.call(PublicKeyCredential, options);
  const credential = await (make ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
  return JSON.stringify({ token, credential: credential.toJSON() });
}

export function problemOf(error) {
  if (WORDS[error.name]) return WORDS[error.name];
  if (error.title) return [error.title, error.text];
  return ["Rien n’a été fait", "Cet appareil n’a pas donné de clé d’accès. Essayez d’un autre navigateur, ou prenez une application de codes."];
}

// Said while the device asks its holder: the page itself does nothing meanwhile.
export const awaited = () => notice("info", "Répondez sur votre appareil", "Il demande votre empreinte, votre visage ou votre code.");

// `send`: what is done with the answer, where the page is not left: the session is opened again over it.
export function startPasskey(form, send) {
  const { dataset } = form;
  if (window.PublicKeyCredential) form.hidden = false;
  const problem = form.querySelector("[data-passkey-problem]");
  const button = form.querySelector("[type=submit]");
  let waiting = false;

  // At the door nobody is logged in: the form's own token counts, not the page's, and no session is opened again for it.
  const ask = () => {
    if (dataset.options) return { token: dataset.token, options: JSON.parse(dataset.options) };
    const body = dataset.documents ? { documents: JSON.parse(dataset.documents) } : {};
    return send ? exchangeOnce(dataset.question, body, form.elements.csrf_token.value) : exchange(dataset.question, body);
  };

  // On submit, not on a click: Enter in a field of the form asks for the key too.
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (waiting) return;
    waiting = true;
    busy(button);
    problem.replaceChildren(awaited());
    try {
      if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) throw new Error("no keys");
      form.elements.answer.value = await answered(await ask(), dataset.passkey === "create");
      if (form.elements.remember) form.elements.remember.value = remembered(form) ? "y" : "";
      problem.replaceChildren();
      if (!send) return void HTMLFormElement.prototype.submit.call(form);
      await send(form);
    } catch (error) {
      if (WHOLE.includes(error.key)) return void prove(form);
      problem.replaceChildren(notice("danger", ...problemOf(error)));
    }
    waiting = false;
    idle(button);
    if (button.isConnected) button.focus();
  });
}

// Whether this device is to be recognised is asked once, beside the password.
function remembered(form) {
  return Boolean(form.parentElement.querySelector("form:not([data-passkey]) [name=remember]")?.checked);
}

// Whoever has to prove who he is first comes back to this page, where the name that he typed waits for him.
function prove(form) {
  const back = new URL(window.location.pathname, window.location.origin);
  const name = form.elements.name?.value;
  if (name) back.searchParams.set("nom", name);
  window.location.assign(`/compte/confirmer?entier=1&suite=${encodeURIComponent(back.pathname + back.search)}`);
}

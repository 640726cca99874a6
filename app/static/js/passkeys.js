// A form whose answer a passkey gives: the question comes from the server, the browser's own functions read and write it.
import { exchange } from "./signer.js";
import { notice } from "./words.js";

// What the browser says of a key that was not given, in the person's words.
const WORDS = {
  NotAllowedError: ["Rien n’a été fait", "L’appareil n’a pas répondu, ou vous avez renoncé. Recommencez quand vous voulez."],
  InvalidStateError: ["Cette clé est déjà inscrite", "Prenez un autre appareil, ou gardez celle-ci."],
};

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

export function startPasskey(form) {
  const { dataset } = form;
  if (window.PublicKeyCredential) form.hidden = false;
  const problem = form.querySelector("[data-passkey-problem]");
  const button = form.querySelector("[data-passkey-go], button[type=submit]");
  const given = form.querySelector("[name=answer]");
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    problem.replaceChildren();
    button.disabled = true;
    try {
      if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) throw new Error("no keys");
      const question = dataset.options ? { token: dataset.token, options: JSON.parse(dataset.options) } : await exchange(dataset.question, dataset.documents ? { documents: JSON.parse(dataset.documents) } : {});
      given.type = "hidden"; // what a key says is not for the field's eyes
      given.value = await answered(question, dataset.passkey === "create");
      HTMLFormElement.prototype.submit.call(form);
    } catch (error) {
      if (["identity-needed", "identity-whole"].includes(error.key)) return void window.location.assign(`/compte/confirmer?entier=1&suite=${encodeURIComponent(window.location.pathname)}`);
      problem.replaceChildren(notice("danger", ...problemOf(error)));
      button.disabled = false;
      button.focus();
    }
  });
}

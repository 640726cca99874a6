// Who one is, asked again before a signature when the last proof is old. Never taken for the key's password: a step of its
// own, with the words of the account. What is typed goes to the server and does not stay in the page.
import { KeyRefused } from "./provider.js";
import { notice } from "./words.js";

// Ask until the server is sure; `exchange` is the sign dialog's way to ask. Throws KeyRefused when the person gives up.
export async function proveIdentity(form, exchange) {
  const part = form.querySelector('[data-sign-part="identity"]');
  const progress = form.querySelector('[data-sign-part="progress"]');
  const { url } = part.dataset;
  let said = null;
  for (;;) {
    let answer;
    try {
      part.hidden = false;
      progress.hidden = true;
      answer = await typed(part, said);
    } finally {
      part.hidden = true;
      progress.hidden = false;
    }
    try {
      await exchange(url, { answer });
      return;
    } catch (error) {
      if (error.key !== "identity-refused") throw error;
      said = error;
    }
  }
}

function typed(part, said) {
  const input = part.querySelector("input");
  part.querySelector("[data-sign-identity-problem]").replaceChildren(...(said ? [notice("danger", "Ce n’est pas confirmé", said.text)] : []));
  input.toggleAttribute("aria-invalid", Boolean(said));
  input.focus();
  const listening = new AbortController();
  const { signal } = listening;
  return new Promise((resolve, reject) => {
    const confirmed = () => (input.value ? resolve(input.value) : input.focus());
    const givenUp = () => reject(new KeyRefused("unproven"));
    part.querySelector("[data-sign-identity-go]").addEventListener("click", confirmed, { signal });
    part.querySelector("[data-sign-identity-cancel]").addEventListener("click", givenUp, { signal });
    part.addEventListener("keydown", (event) => {
      const escape = event.key === "Escape";
      if (!escape && (event.key !== "Enter" || event.target.matches("button"))) return;
      event.preventDefault(); // one gives up the answer, not the dialog
      if (escape) givenUp();
      else confirmed();
    }, { signal });
  }).finally(() => {
    listening.abort();
    input.value = "";
    input.removeAttribute("aria-invalid");
  });
}

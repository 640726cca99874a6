// Who one is, asked again before a signature when the last proof is old. Never taken for the key's password: a step of its
// own, with the words of the account. What is typed goes to the server and does not stay in the page.
import { KeyRefused } from "./provider.js";
import { answered, awaited, problemOf } from "./passkeys.js";
import { notice } from "./words.js";

// Ask until the server is sure; `exchange` is the sign dialog's way to ask. Throws KeyRefused when the person gives up.
// `documents`: the digests of what is about to be signed, where the commune wants the proof to be about them.
export async function proveIdentity(form, exchange, documents) {
  const part = form.querySelector('[data-sign-part="identity"]');
  const progress = form.querySelector('[data-sign-part="progress"]');
  const title = form.closest("dialog")?.querySelector("h2");
  const { url } = part.dataset;
  // Where a dialog's title says it, the step says it to ears alone
  part.querySelector("[data-sign-identity-title]").classList.toggle("visually-hidden", Boolean(title));
  why(part, documents);
  let said = null;
  for (;;) {
    let answer;
    const before = title?.textContent;
    try {
      part.hidden = false;
      progress.hidden = true;
      if (title) title.textContent = "Confirmez que c’est vous"; // nothing is being signed meanwhile
      answer = await given(part, said, (url) => exchange(url, { documents }));
    } catch (error) {
      // Whoever gives up leaves a line; that it could not be written changes nothing for him
      await exchange(url, { given_up: true }).catch(() => {});
      throw error;
    } finally {
      part.hidden = true;
      progress.hidden = false;
      if (title) title.textContent = before;
      (title ?? progress).focus(); // what had the focus is gone from the page
    }
    try {
      await exchange(url, { answer, documents });
      return;
    } catch (error) {
      if (error.key !== "identity-refused") throw error;
      said = error;
    }
  }
}

// Why it is asked: the commune's rule, for so many documents, or a proof that is old.
function why(part, documents) {
  const rule = part.querySelector("[data-sign-identity-named]");
  const named = Boolean(rule && documents?.length);
  part.querySelector("[data-sign-identity-stale]").hidden = named;
  if (!rule) return;
  rule.hidden = !named;
  const many = documents?.length ?? 0;
  rule.querySelector("[data-sign-identity-count]").textContent = many > 1 ? `ces ${many} documents` : "ce document";
}

// The answer of a key, or what is typed, whichever comes first; `ask` puts the question of the key to the server.
function given(part, said, ask) {
  const input = part.querySelector("input");
  const key = part.querySelector("[data-sign-identity-key]");
  const problem = part.querySelector("[data-sign-identity-problem]");
  problem.replaceChildren(...(said ? [notice("danger", "Ce n’est pas confirmé", said.text)] : []));
  input?.toggleAttribute("aria-invalid", Boolean(said));
  (key ?? input).focus();
  const listening = new AbortController();
  const { signal } = listening;
  return new Promise((resolve, reject) => {
    const confirmed = () => (input?.value ? resolve(input.value) : input?.focus());
    let waiting = false;
    const pressed = async () => {
      if (waiting) return;
      waiting = true;
      problem.replaceChildren(awaited());
      key.setAttribute("aria-disabled", "true");
      try {
        resolve(await answered(await ask(key.dataset.url), false));
        problem.replaceChildren();
      } catch (error) {
        problem.replaceChildren(notice("danger", ...problemOf(error)));
      }
      waiting = false;
      key.removeAttribute("aria-disabled");
    };
    key?.addEventListener("click", pressed, { signal });
    const givenUp = () => reject(new KeyRefused("unproven"));
    part.querySelector("[data-sign-identity-go]")?.addEventListener("click", confirmed, { signal });
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
    if (input) input.value = "";
    input?.removeAttribute("aria-invalid");
  });
}

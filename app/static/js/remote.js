// A certificate at a trust service: it signs when its owner agrees, by codes typed here or on the service's own page.
// The codes go through the server, which keeps the signatures and never the codes; « complete » then embeds them.
import { KeyRefused } from "./provider.js";
import { notice } from "./words.js";

// The identities that provider.js promises, one for each certificate linked; `exchange` is the sign dialog's way to ask.
export function remoteKeys(form, exchange) {
  const { keys, routes } = JSON.parse(form.querySelector("[data-sign-remote]").dataset.signRemote);
  return keys.map(({ id, subject, issuer, notBefore, notAfter }) => ({
    subject,
    issuer,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    routes,
    certificate: async () => ({ provider: "csc", key: id }),
    sign: async ([asked]) => {
      await agree(form, asked, (codes) => exchange(routes.authorise, { session: asked.id, ...codes }));
      return [];
    },
  }));
}

// Ask until the service has signed everything; each answer says what is asked next. A wrong code is asked again.
async function agree(form, asked, answer) {
  const part = form.querySelector('[data-sign-part="code"]');
  const progress = form.querySelector('[data-sign-part="progress"]');
  let said = null;
  while (asked.wants.length) {
    if (asked.page) return await visit(asked.page);
    let codes;
    try {
      part.hidden = false;
      progress.hidden = true;
      codes = await typed(part, asked.wants, said);
    } finally {
      part.hidden = true;
      progress.hidden = false;
    }
    try {
      [asked] = (await answer(codes)).items;
      said = null;
    } catch (error) {
      if (error.key !== "csc-code-wrong") throw error;
      said = error;
    }
  }
}

// The person authorises on the service's own page, which sends him back to the server: this page ends here.
function visit(page) {
  window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
  window.location.assign(page);
  return new Promise(() => {});
}

// What the person types, once he agrees; throws KeyRefused when he gives up. Nothing typed stays in the page.
function typed(part, wants, said) {
  const fields = [...part.querySelectorAll("[data-sign-code]")];
  const inputs = fields.filter((field) => wants.includes(field.dataset.signCode)).map((field) => field.querySelector("input"));
  for (const field of fields) field.hidden = !wants.includes(field.dataset.signCode);
  const wrong = (words) => {
    part.querySelector("[data-sign-code-problem]").replaceChildren(...(words ? [notice("danger", ...words)] : []));
    for (const input of inputs) input.toggleAttribute("aria-invalid", Boolean(words));
  };
  wrong(said?.words());
  inputs[0].focus();
  const listening = new AbortController();
  return new Promise((resolve, reject) => {
    const agreed = () => {
      const empty = inputs.find((input) => !input.value);
      if (empty) return void empty.focus();
      resolve(Object.fromEntries(inputs.map((input) => [input.closest("[data-sign-code]").dataset.signCode, input.value])));
    };
    const givenUp = () => reject(new KeyRefused("given"));
    const { signal } = listening;
    part.querySelector("[data-sign-code-go]").addEventListener("click", agreed, { signal });
    part.querySelector("[data-sign-code-cancel]").addEventListener("click", givenUp, { signal });
    part.addEventListener("keydown", (event) => {
      const escape = event.key === "Escape";
      if (!escape && (event.key !== "Enter" || event.target.matches("button"))) return;
      event.preventDefault(); // one gives up the codes, not the dialog; and its own button signs nothing more meanwhile
      if (escape) givenUp();
      else agreed();
    }, { signal });
  }).finally(() => {
    listening.abort();
    wrong(null);
    for (const input of inputs) input.value = "";
  });
}

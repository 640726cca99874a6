// « Ma carte n’est pas vue »: tries each step for real, and stops at the first that fails with what to do about it.
import { csrf, icon, longDate, notice, problemFrom } from "./words.js";
import { KeyRefused, REFUSALS } from "./provider.js";
import { readCard, status } from "./webeid.js";

// What a failure says belongs to the step it speaks of, not to the one that was being tried.
const STEP_OF = { insecure: "secure", extension: "extension", native: "native", version: "native" };

class Diagnosis {
  constructor(section) {
    this.section = section;
    this.go = section.querySelector("[data-diagnosis-go]");
    this.go.addEventListener("click", () => this.run());
    this.go.disabled = false; // the page offers it only once it can answer
  }

  mark(name, how, words = "") {
    const line = this.section.querySelector(`[data-step="${name}"]`);
    const [drawn, tone] = { todo: ["three-dots", "quiet"], now: ["hourglass-split", "strong"], ok: ["check-circle-fill", "t-ok"], ko: ["x-circle", "t-danger"] }[how];
    line.className = tone;
    line.dataset.state = how;
    line.querySelector("svg").replaceWith(icon(drawn));
    line.querySelector("[data-step-words]").textContent = words;
  }

  say(...what) {
    this.section.querySelector("[data-diagnosis-said]").replaceChildren(...(what.length ? [notice(...what)] : []));
  }

  async run() {
    this.go.disabled = true;
    this.say();
    for (const line of this.section.querySelectorAll("[data-step]")) this.mark(line.dataset.step, "todo");
    let now = "secure";
    const next = (name, words) => {
      if (now !== name) this.mark(now, "ok", words);
      this.mark((now = name), "now");
    };
    try {
      next("secure");
      if (!window.isSecureContext) throw new KeyRefused("insecure");
      next("extension");
      const { extension, nativeApp } = await status();
      next("native", `version ${extension}`);
      next("card", `version ${nativeApp}`);
      const card = await readCard();
      next("enrolled", card.subject);
      const until = await this.enrolled(card);
      this.mark("enrolled", "ok", `jusqu’au ${longDate(until)}`);
      this.say("ok", "Tout est en place", "Vous pouvez signer avec cette carte.");
    } catch (error) {
      this.failed(now, error);
    }
    this.go.disabled = false;
    this.go.textContent = "Vérifier de nouveau";
  }

  failed(now, error) {
    const refused = error instanceof KeyRefused;
    const name = (refused && STEP_OF[error.reason]) ?? now;
    // The extension answered, to say that the program does not
    if (name === "native") this.mark("extension", "ok");
    this.mark(name || now, "ko");
    const [title, text] = refused ? REFUSALS[error.reason] : [error.title, error.text];
    this.say("danger", title ?? "Le serveur n’a pas répondu", text ?? "Vérifiez la connexion au réseau, puis recommencez.");
  }

  // The server says whether this certificate may sign for this person, for the same reasons as when signing.
  async enrolled(card) {
    const answer = await fetch(this.section.dataset.diagnosis, {
      method: "POST",
      credentials: "same-origin",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrf() },
      body: JSON.stringify(await card.certificate()),
    });
    const text = await answer.text();
    if (answer.ok && !answer.redirected) return new Date(JSON.parse(text).not_after);
    const problem = problemFrom(answer.headers.get("Content-Type"), text);
    throw Object.assign(new Error("refused"), { title: "Ce certificat ne peut pas signer pour vous", text: problem?.detail || problem?.title });
  }
}

export function startDiagnosis(section) {
  new Diagnosis(section);
}

// Signs with the person's own key, opened here and used here; every ending says first whether something was signed.
import { NB, THIN, csrf, element, icon, longDate, notice, problemFrom, quoted } from "./words.js";
import { KeyRefused, REFUSALS } from "./provider.js";
import { openKeys } from "./key.js";
import { readCard } from "./webeid.js";
import { remoteKeys } from "./remote.js";
import { proveIdentity } from "./identity.js";
import { restored } from "./session.js";
import { choosePlace, whenOpen } from "./placement.js";
import { reopen, setAside } from "./dialogs.js";
import { notesSent } from "./forms.js";

const ANSWER_WITHIN = 60_000; // ms for one answer of the server
const ASK_EVERY = 2_000;
const ASK_FOR = 300_000;
const REMEMBERED = "sign-way";
const { userAgent, maxTouchPoints } = navigator;
const HANDHELD = /Android|iPhone|iPad|Mobile/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1);
const OVER = ["login-needed", "form-expired"]; // of a session that ended, or of the one before the person logged in again

const UNCERTAIN = ["incident", "outcome-unknown", "unreachable"];
const WHO = ["identity-needed", "identity-factor"];
const STALE = ["batch-changed", "batch-words-changed", "mandate-changed"]; // what the page shows is no more what would be signed

const NOTHING = /^(rien (de plus )?n’a été|l’horodatage|le certificat n’a pas été inscrit)/i;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Refused extends Error {
  constructor(title, text = "", key = "", documents = null) {
    super(title);
    Object.assign(this, { title, text, key, documents });
  }

  // The first words of a failure are about the signature, even when the server's title is about something else.
  words() {
    const { title, text } = this;
    if (NOTHING.test(title)) return [title, text];
    if (!NOTHING.test(text)) return [`Rien n’a été signé${NB}: ${title[0].toLowerCase()}${title.slice(1)}`, text];
    const end = text.search(/[.]\s/) + 1 || text.length;
    return [text.slice(0, end).replace(/[.]$/, ""), text.slice(end).trim()];
  }
}

// One exchange in JSON. Throws Refused for what the server refused, TypeError when no certain answer came. A session that
// is over is opened again over the dialog, whose certificate stays open, and the same question is asked once more.
export async function exchange(url, body) {
  try {
    return await exchangeOnce(url, body);
  } catch (error) {
    if (!OVER.includes(error.key) || !(await restored())) throw error;
  }
  return exchangeOnce(url, body);
}

export async function exchangeOnce(url, body, token = csrf()) {
  const options = { headers: { Accept: "application/json" }, credentials: "same-origin", signal: AbortSignal.timeout(ANSWER_WITHIN) };
  if (body) {
    options.method = "POST";
    options.body = JSON.stringify(body);
    Object.assign(options.headers, { "Content-Type": "application/json", "X-CSRFToken": token });
  }
  let answer, text;
  try {
    answer = await fetch(url, options);
    text = await answer.text();
  } catch {
    throw new TypeError("no answer");
  }
  if (answer.redirected) throw new Refused(`Rien n’a été signé${NB}: votre session s’est fermée`, "Reconnectez-vous, puis recommencez.", "login-needed");
  const problem = problemFrom(answer.headers.get("Content-Type"), text);
  if (answer.ok && problem) return JSON.parse(text);
  // A refusal says its key and is certain, a silent authority's (503) too; an incident, a database that is lost or a proxy's page is not.
  if (!answer.ok && problem?.key && !UNCERTAIN.includes(problem.key)) throw new Refused(problem.title, problem.detail, problem.key, problem.documents);
  throw new TypeError("no certain answer");
}

function reload() {
  const button = element("button", { type: "button", class: "btn btn-line" }, "Recharger la page");
  button.addEventListener("click", () => window.location.reload());
  return button;
}

export class Signer {
  constructor(form) {
    this.form = form;
    this.dialog = form.closest("dialog");
    this.file = form.querySelector("#sign-file");
    this.password = form.querySelector("#sign-password");
    this.select = form.querySelector("#sign-key");
    this.go = form.querySelector("[data-sign-go]");
    this.title = this.dialog?.querySelector("h2")?.textContent;
    this.ways = [...form.querySelectorAll("[data-sign-way]")];
    this.identities = [];
    this.turn = 0;
    this.asked = null; // of the certificates of a file: those among which the person was asked to choose
    this.unknown = [this.part("name").textContent, this.part("issuer").textContent];
    this.box = null;
    this.defaultBox = null;
  }

  /* What the guide of a first signature follows. */
  tell(what) {
    this.form.dispatchEvent(new CustomEvent("signing", { bubbles: true, detail: what }));
  }

  part(name) {
    return this.form.querySelector(`[data-sign-${name}]`);
  }

  /* The mandate by which the person signs, as it is shown: chosen among several, or the only one; none in one's own name. */
  mandate() {
    const chosen = this.form.querySelector("[data-sign-mandate]")?.value ?? this.form.dataset.mandate;
    return chosen ? Number(chosen) : null;
  }

  /* In which words the page says that the person signs, and in whose absence: the server signs in no others. */
  words() {
    const chosen = this.form.querySelector("[data-sign-mandate]")?.selectedOptions[0] ?? this.form;
    return { capacity: chosen.dataset.words, absent: this.form.dataset.absent };
  }

  start() {
    this.file.addEventListener("change", () => this.forget().then(() => this.password.value && this.open()));
    this.password.addEventListener("change", () => this.forget().then(() => this.file.files.length && this.open()));
    this.select.addEventListener("change", () => {
      this.asked = this.identities;
      this.showHolder();
    });
    for (const way of this.ways) way.addEventListener("change", () => this.changeWay(way.value));
    this.part("read-card")?.addEventListener("click", () => this.open());
    if (HANDHELD) this.forbidCard();
    // Whoever was quicker than this script has already chosen, which counts more than what is remembered.
    const remembered = localStorage.getItem(REMEMBERED);
    if (this.way !== "file") this.changeWay(this.way);
    else this.useWay(this.ways.some((one) => one.value === remembered && !one.disabled) && !this.file.files.length ? remembered : "file");
    if (this.remote) this.open();
    if (this.way !== "file" && this.dialog?.open) (this.card ? this.part("read-card") : this.go).focus();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    // Closing the dialog empties it; the keys go with it.
    this.dialog?.addEventListener("close", () => this.dialog.dataset.aside || this.forget());
    const place = this.part("place");
    // On the document that is signed, not on an annex.
    if (place && this.dialog) whenOpen(".viewer:has([data-viewer-main])", (viewer) => {
      place.hidden = false;
      this.part("place-open").addEventListener("click", () => this.choose(viewer));
    });
    if (this.way === "file" && this.file.files.length && this.password.value) this.open();
  }

  // No browser of a tablet or a telephone reaches a card reader: it is said, not offered.
  forbidCard() {
    const card = this.ways.find((one) => one.value === "card");
    if (!card) return;
    card.disabled = true;
    card.parentElement.querySelector(".quiet").textContent = "sur un ordinateur seulement";
  }

  get way() {
    return this.ways.find((way) => way.checked)?.value ?? "file";
  }

  get card() {
    return this.way === "card";
  }

  get remote() {
    return this.way === "remote";
  }

  // A file, a card or a trust service; the choice is remembered on this device, where the same person signs again.
  useWay(chosen) {
    for (const way of this.ways) way.checked = way.value === chosen;
    for (const part of this.form.querySelectorAll("[data-sign-with]")) part.hidden = !part.dataset.signWith.split(" ").includes(chosen);
    this.file.required = chosen === "file";
  }

  changeWay(chosen) {
    localStorage.setItem(REMEMBERED, chosen);
    this.useWay(chosen);
    this.forget().then(() => (this.remote || (!this.card && this.file.files.length && this.password.value)) && this.open());
  }

  async forget() {
    this.turn += 1;
    this.opening = null;
    this.identities = [];
    this.tell("forgotten");
    this.holder(this.unknown);
    this.part("choice").hidden = true;
    this.say();
  }

  say(title, text, tone = "danger", ...remedies) {
    const where = this.part("problem");
    where.replaceChildren(...(title ? [notice(tone, title, text, ...remedies)] : []));
    // One place for both: a refusal stands where the holder was, so that nothing moves under the finger.
    this.part("holder").hidden = Boolean(this.form.dataset.busy) || (Boolean(title) && tone === "danger");
    if (title) where.scrollIntoView({ block: "nearest" });
  }

  wrong(input, on) {
    input.classList.toggle("is-invalid", on);
    if (on) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }

  // Opens the file with the password typed, or reads the card; true when an identity is ready. Only the last opening
  // counts: what was chosen, typed or closed meanwhile makes the earlier ones moot.
  open() {
    if (this.opening && this.card) return this.opening; // a card answers one question at a time
    const turn = (this.turn += 1);
    this.opening = this.openNow(turn).finally(() => turn === this.turn && (this.opening = null));
    return this.opening;
  }

  async openNow(turn) {
    this.say();
    this.wrong(this.password, false);
    this.wrong(this.file, false);
    const file = this.file.files[0];
    if (this.way === "file" && !file) return false;
    let found;
    try {
      if (this.remote) found = remoteKeys(this.form, exchange);
      else if (this.card) found = [await readCard()];
      else if (file.size > 1_000_000) throw new KeyRefused("file");
      else found = await openKeys(await file.arrayBuffer(), this.password.value);
    } catch (error) {
      if (turn === this.turn) this.notOpened(error instanceof KeyRefused ? error.reason : this.card ? "card" : "file");
      return false;
    }
    if (turn !== this.turn) return false;
    this.identities = found;
    this.select.replaceChildren(...this.identities.map((one, n) => new Option(`${one.subject}, émis par ${quoted(one.issuer)}, jusqu’au ${longDate(one.notAfter)}`, n)));
    this.part("choice").hidden = this.identities.length === 1;
    this.showHolder();
    return true;
  }

  notOpened(reason) {
    const input = this.card ? this.part("read-card") : reason === "password" ? this.password : this.file;
    input.focus(); // first: leaving a field that was just typed in is a change, and a change empties the message
    if (!this.card) this.wrong(input, true);
    if (reason === "password") this.password.select();
    this.say(...REFUSALS[reason]);
  }

  get identity() {
    return this.identities[Number(this.select.value) || 0];
  }

  // Never green: the server alone knows whether it is one of this person's certificates
  holder([name, text]) {
    this.part("name").textContent = name;
    this.part("issuer").textContent = text;
  }

  showHolder() {
    const { subject, issuer, notAfter } = this.identity;
    const late = this.outOfDate();
    this.tell(late ? "forgotten" : "ready");
    this.holder([subject, `Certificat émis par ${quoted(issuer)}, valable jusqu’au ${longDate(notAfter)}. Sa révocation est vérifiée à la signature.`]);
    // Whose certificate it is has to be read before the button, which stands over the end of the dialog
    this.part("name").scrollIntoView({ block: "nearest" });
    if (late) this.say(late);
  }

  outOfDate() {
    const { notBefore, notAfter } = this.identity;
    const now = new Date();
    if (notAfter < now) return `Rien n’a été signé${NB}: ce certificat a expiré le ${longDate(notAfter)}`;
    if (notBefore > now) return `Rien n’a été signé${NB}: ce certificat n’est valable qu’à partir du ${longDate(notBefore)}`;
    return "";
  }

  // What this page stops by itself is refused by the server too, which keeps its line of it
  tellLate() {
    const { late } = this.form.dataset;
    if (late && !this.remote) this.identity.certificate().then((certificate) => exchange(late, certificate)).catch(() => {});
  }

  async choose(viewer) {
    this.defaultBox ??= await this.planned();
    setAside(this.dialog);
    const box = await choosePlace(viewer, this.box ?? this.defaultBox, "Votre signature");
    reopen(this.dialog);
    if (box) {
      this.box = box;
      this.part("place-words").textContent = `La signature sera visible page ${box.page}, à l’emplacement que vous avez choisi.`;
    }
    this.part("place-open").focus();
  }

  // Where the signature stands unless it is moved; without an answer the box starts at the foot of the page in view.
  async planned() {
    const asking = new URL(this.form.dataset.place, window.location.href);
    asking.searchParams.set("version", this.form.dataset.version);
    return exchange(asking).then((answer) => answer.box, () => null);
  }

  busy(on) {
    if (on) this.form.dataset.busy = "yes";
    else delete this.form.dataset.busy;
    this.part("holder").hidden = on;
    this.form.querySelector('[data-sign-part="key"]').hidden = on;
    this.form.querySelector('[data-sign-part="progress"]').hidden = !on;
    this.part("foot").hidden = on;
    const close = this.dialog?.querySelector(".dlg-h [data-close]");
    if (close) close.hidden = on;
    const title = this.dialog?.querySelector("h2");
    if (title) title.textContent = on ? "Signature en cours" : (this.title ?? title.textContent);
    // The button that was pressed is gone meanwhile, and is there again after a refusal, told beside it
    if (on) (title ?? this.form.querySelector('[data-sign-part="progress"]')).focus();
    else this.go.focus();
  }

  step(done) {
    const checks = [...this.form.querySelectorAll("[data-sign-check]")];
    this.form.querySelector("progress").value = done;
    this.part("step").textContent = done < 4 ? `Étape ${done + 1} sur 4` : "Signature vérifiée";
    checks.forEach((line, n) => {
      const [name, tone] = n < done ? ["check-circle-fill", "t-ok"] : n === done ? ["hourglass-split", "strong"] : ["three-dots", "quiet"];
      line.className = tone;
      line.querySelector("svg").replaceWith(icon(name));
    });
  }

  async submit() {
    if (this.form.dataset.busy) return;
    if (!this.identities.length) {
      const open = await this.open();
      if (this.way === "file" && !this.file.files.length) this.file.focus();
      if (!open) return;
    }
    if (this.way === "file" && this.identities.length > 1 && this.asked !== this.identities) {
      // Several certificates: nobody signs with one that was not shown first. The file may have been opened by the very
      // gesture that presses the button.
      this.asked = this.identities;
      this.say("Ce fichier contient plusieurs certificats", "Choisissez celui qui signe, puis confirmez.", "info");
      this.select.focus();
      return;
    }
    const late = this.outOfDate();
    if (late) {
      this.say(late);
      this.tellLate();
      return;
    }
    this.say();
    this.busy(true);
    this.step(0);
    try {
      await this.sign();
    } catch (error) {
      this.busy(false);
      if (error instanceof Refused) this.refused(error);
      else if (error instanceof KeyRefused) this.say(...REFUSALS[error.reason]);
      else this.say(`Rien n’a été signé${NB}: le serveur n’a pas répondu`, "Vérifiez la connexion au réseau, puis recommencez. Votre certificat reste ouvert dans cette page.");
    }
  }

  refused(problem) {
    if (problem.key === "moved-on") return void this.movedOn(problem);
    this.say(...problem.words(), "danger", ...(STALE.includes(problem.key) ? [reload()] : []));
    if (this.way !== "file" || !problem.key.startsWith("certificate-")) return;
    // It is for another file to sign: the password of this one is of no use
    this.password.value = "";
    this.file.focus();
  }

  // Somebody has acted on the folder: nothing here signs it any more, its own page says where it stands.
  movedOn(problem) {
    const see = element("a", { class: "btn btn-primary", href: this.form.dataset.prepare.replace(/\/signature.*/, "") }, "Revoir ce dossier");
    this.say(...problem.words());
    this.go.replaceWith(see);
    see.focus();
  }

  async sign() {
    const { prepare, complete, version } = { ...this.form.dataset, ...this.identity.routes };
    const asked = { version: Number(version), box: this.box, mandate: this.mandate(), shown: this.words() };
    const prepared = await this.exchange(prepare, { ...asked, ...(await this.identity.certificate()) });
    this.step(1);
    const signatures = await this.identity.sign(prepared.items);
    this.password.value = "";
    this.step(2);
    let ended;
    try {
      ended = await exchange(complete, { session: prepared.session, signatures });
    } catch (error) {
      if (error instanceof Refused) throw error;
      ended = await this.ask(complete, prepared.session);
    }
    if (ended) this.leave(ended.location);
  }

  // One exchange, before which the server may ask again who one is: a step of its own, apart from the key's password.
  async exchange(url, body) {
    let documents;
    try {
      return await exchange(url, body);
    } catch (error) {
      if (!WHO.includes(error.key)) throw error;
      ({ documents } = error);
    }
    await proveIdentity(this.form, exchange, documents);
    return exchange(url, body);
  }

  leave(location) {
    this.step(4);
    if (!this.form.matches("[data-batch]")) notesSent(this.form, this.form.dataset.prepare);
    this.identities = [];
    window.location.assign(location);
  }

  // The answer was lost on the way: only the server knows, and signing again is not the way to ask.
  async ask(url, session) {
    this.say(`Nous vérifions si la signature a été apposée. Ne recommencez pas${THIN}; la réponse s’affichera ici.`, "", "warn");
    const asking = new URL(url, window.location.href);
    asking.searchParams.set("session", session);
    const until = Date.now() + ASK_FOR;
    while (Date.now() < until) {
      await pause(ASK_EVERY);
      let answer;
      try {
        answer = await exchange(asking);
        if (answer.state === "held") answer = await exchange(url, { session }); // a trust service has signed, nobody embeds it
      } catch (error) {
        if (error instanceof Refused) throw error;
        continue; // still no network: ask again
      }
      if (answer.state === "done") return answer;
      if (answer.state === "nothing") throw new Refused(`Rien n’a été signé${NB}: la connexion a été coupée avant la fin`, "Vous pouvez recommencer maintenant.");
    }
    this.say("Nous ne savons pas encore si la signature a été apposée", `Ne recommencez pas${THIN}: rouvrez ce dossier plus tard, il dira s’il est signé.`.replace(THIN, NB), "warn");
    delete this.form.dataset.busy;
    return null;
  }
}

export function startSigner(form) {
  const signer = new Signer(form);
  signer.tell("open");
  signer.start();
}

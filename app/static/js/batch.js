// A batch in its page: one key opened once for all its folders, and what the worker does looked at until it is over.
import { NB, element, notice } from "./words.js";
import { KeyRefused } from "./provider.js";
import { restored } from "./session.js";
import { Refused, Signer, exchange } from "./signer.js";

const LOOK_EVERY = 2_000; // ms
const ANSWERS_WITHIN = 10_000; // ms: a network that swallows what it is given says nothing for minutes
const SAY_EVERY = 5_000; // ms between two announcements
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const hour = () => {
  const now = new Date();
  return `${now.getHours()}${NB}h${NB}${String(now.getMinutes()).padStart(2, "0")}`; // 4 h 41, as everywhere
};
let stay = false; // what the page has to say is not to be taken away
let signing = false; // while this page holds the key, it does not go away by itself
const CLOSED = Symbol("the session is over");

// The same page as the server draws it now; CLOSED when the session is over, null when there is no answer.
async function drawnNow() {
  try {
    const answer = await fetch(window.location.href, { credentials: "same-origin", signal: AbortSignal.timeout(ANSWERS_WITHIN) });
    if (answer.redirected && new URL(answer.url).pathname === "/login") return CLOSED;
    if (!answer.ok || answer.redirected) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null;
  }
}

class Progress {
  constructor(part) {
    this.part = part;
    this.voice = element("p", { class: "visually-hidden", role: "status" });
    part.after(this.voice);
    this.saidAt = Date.now();
    this.heardAt = hour();
    this.unheard = 0; // looks without an answer, one after the other
  }

  async look() {
    const page = await drawnNow();
    if (page === CLOSED) return this.closed();
    const fresh = page?.querySelector("[data-batch-progress]");
    if (!fresh) return this.silent();
    this.note?.remove();
    this.note = null;
    this.heardAt = hour();
    this.unheard = 0;
    const focused = this.part.contains(document.activeElement) && document.activeElement.id;
    fresh.dataset.awake = "yes";
    this.part.replaceWith(document.adoptNode(fresh));
    this.part = fresh;
    if (focused) document.getElementById(focused)?.focus();
    this.say(fresh.querySelector("#avancement-mots")?.textContent ?? "");
  }

  // What the page shows is of a while ago: it says so, and goes on asking.
  silent() {
    this.unheard += 1;
    if (this.unheard < 2 || signing || this.note) return;
    const words = "On ne sait pas d’ici où en est le lot, qui continue sans cette page. Elle redemande toute seule.";
    this.note = notice("warn", `Pas de réponse du serveur depuis ${this.heardAt}`, words);
    this.note.setAttribute("role", "alert");
    this.part.before(this.note);
  }

  // What is going on goes on; where it stands is for whoever is logged in. A page that signs asks by itself (signer.js).
  closed() {
    if (this.unheard) this.note?.remove();
    if (signing || (this.note && !this.unheard)) return;
    this.unheard = 0;
    const again = element("button", { type: "button", class: "btn btn-line" }, "Se reconnecter");
    again.addEventListener("click", async () => (await restored()) && this.look());
    this.note = notice("warn", "Votre session s’est fermée", "Le lot n’en est pas changé. Reconnectez-vous pour voir où il en est.", again);
    this.note.setAttribute("role", "alert");
    this.part.before(this.note);
  }

  // At most one announcement in five seconds: whoever listens is not drowned.
  say(words) {
    if (!words || words === this.voice.textContent || Date.now() - this.saidAt < SAY_EVERY) return;
    this.voice.textContent = words;
    this.saidAt = Date.now();
  }

  async follow() {
    while (signing || this.part.dataset.state === "running") {
      await pause(LOOK_EVERY);
      await this.look();
    }
    if (!stay) window.location.reload(); // the title and the buttons of what it has become
  }
}

export function startProgress(part) {
  if (part.dataset.state === "running") new Progress(part).follow();
}

// Signs what is left, a few folders at a time; the network may go and come back, the worker may die and be started again.
class BatchSigner extends Signer {
  start() {
    super.start();
    this.form.querySelector("[data-batch-pause]").addEventListener("click", () => {
      this.paused = true;
      this.told("La signature s’arrête après les dossiers en cours.");
    });
  }

  step() {
    this.told("Signature en cours");
  }

  told(words) {
    this.part("step").textContent = words;
  }

  async sign() {
    const { start, prepare, complete } = this.form.dataset;
    signing = true;
    this.paused = false;
    this.begun = false;
    try {
      const certificate = await this.identity.certificate();
      const { holder } = await this.exchange(start, certificate);
      this.begun = true;
      this.password.value = "";
      await this.follow();
      if (this.remote) await this.accords(holder, certificate);
      while (!this.paused && !this.remote) {
        const { folders } = await this.insist(prepare, { holder, ...certificate });
        if (!folders.length) break;
        const made = await this.identity.sign(folders.flatMap((one) => one.items));
        const signatures = new Map(made.map((one) => [one.id, one]));
        const answers = folders.map(({ folder, session, items }) => ({ folder, session, signatures: items.map(({ id }) => signatures.get(id)) }));
        await this.insist(complete, { folders: answers });
      }
      stay = false;
    } catch (error) {
      stay = this.begun; // what went wrong is to be read
      // The words of a key that fails say that nothing was signed: here some folders may be
      if (!this.begun || error instanceof Refused) throw error;
      if (!this.remote) throw new Refused("La clé n’a pas signé", "Remettez la carte ou rouvrez le fichier, puis reprenez.");
      if (error instanceof KeyRefused) throw new Refused("Vous avez renoncé à donner votre accord", "Reprenez quand vous le souhaitez.");
      throw new Refused("Le serveur n’a pas répondu", "Reprenez\u00a0: il ne vous sera demandé d’accord que pour ce qu’il n’a pas reçu.");
    } finally {
      signing = false;
    }
    this.identities = [];
    this.told("Derniers fichiers en cours de vérification");
  }

  // The key is at the trust service: folders are prepared until one accord can cover no more, then the person agrees.
  async accords(holder, certificate) {
    const { prepare } = this.identity.routes;
    while (!this.paused) {
      const step = await this.insist(prepare, { holder, ...certificate });
      if (step.over) return;
      if (step.busy) await pause(LOOK_EVERY); // the answer to an earlier accord is on its way
      this.told(step.busy ? "Le service répond" : `Préparation des dossiers${NB}: ${step.ready} ${step.ready > 1 ? "prêts" : "prêt"} à signer`);
      if (!step.items.length) continue;
      this.part("accord").textContent = ` pour ${step.ready} dossier${step.ready > 1 ? "s" : ""}`;
      await this.identity.sign(step.items);
    }
  }

  // The list that was shown gives way to what becomes of it.
  async follow() {
    if (this.following) return;
    let page = await drawnNow();
    if (page === CLOSED && (await restored())) page = await drawnNow();
    const fresh = page?.querySelector?.("[data-batch-progress]");
    if (!fresh) return;
    this.following = true;
    const title = document.querySelector("h1");
    title.textContent = page.querySelector("h1").textContent;
    title.focus(); // what was under the finger has gone
    for (const one of document.querySelectorAll("[data-batch-before]")) one.remove();
    fresh.dataset.awake = "yes";
    document.querySelector("[data-batch-list], [data-batch-progress]").replaceWith(document.adoptNode(fresh));
    new Progress(fresh).follow();
  }

  // Asks until there is a certain answer: the server knows what it has, the same question twice changes nothing.
  async insist(url, body) {
    let lost = false;
    for (;;) {
      try {
        const answer = await exchange(url, body);
        if (lost) this.network("info", `Reprise après une coupure de réseau à ${hour()}.`, "Les dossiers déjà signés n’ont pas été touchés\u202f; aucun ne peut être signé deux fois.");
        return answer;
      } catch (error) {
        if (error instanceof Refused) throw error;
        if (!lost) this.network("warn", "Le serveur ne répond pas", "La signature reprendra d’elle-même dès qu’il répondra. Votre certificat reste ouvert dans cette page.");
        lost = true;
        await pause(LOOK_EVERY);
      }
    }
  }

  network(tone, title, text) {
    this.form.querySelector("[data-batch-network]").replaceChildren(notice(tone, title, text));
  }

  // Once it has begun, some folders may be signed: the words are about the batch.
  refused(problem) {
    if (!this.begun) return super.refused(problem);
    this.say("Le lot s’est arrêté", `${problem.title}. ${problem.text} Ce qui est signé reste signé.`);
  }
}

export function startBatchSigner(form) {
  new BatchSigner(form).start();
}

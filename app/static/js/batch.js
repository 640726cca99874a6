// A batch in its page: what the worker does is looked at again until it is over.
import { element } from "./words.js";

const LOOK_EVERY = 2_000; // ms
const SAY_EVERY = 5_000; // ms between two announcements
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The same page as the server draws it now, or null when there is no answer or the session is over.
async function drawnNow() {
  try {
    const answer = await fetch(window.location.href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null;
  }
}

class Progress {
  constructor(part) {
    this.part = part;
    this.state = part.dataset.state;
    this.voice = element("p", { class: "visually-hidden", role: "status" });
    part.after(this.voice);
    this.saidAt = Date.now();
  }

  async look() {
    const page = await drawnNow();
    const fresh = page?.querySelector("[data-batch-progress]");
    if (!fresh) return;
    this.state = fresh.dataset.state;
    const focused = this.part.contains(document.activeElement) && document.activeElement.id;
    fresh.dataset.awake = "yes";
    this.part.replaceWith(document.adoptNode(fresh));
    this.part = fresh;
    if (focused) document.getElementById(focused)?.focus();
    this.say(fresh.querySelector("#avancement-mots")?.textContent ?? "");
  }

  // At most one announcement in five seconds: whoever listens is not drowned.
  say(words) {
    if (!words || words === this.voice.textContent || Date.now() - this.saidAt < SAY_EVERY) return;
    this.voice.textContent = words;
    this.saidAt = Date.now();
  }

  async follow() {
    while (this.state === "running") {
      await pause(LOOK_EVERY);
      await this.look();
    }
    window.location.reload(); // the title and the buttons of what it has become
  }
}

export function startProgress(part) {
  if (part.dataset.state === "running") new Progress(part).follow();
}

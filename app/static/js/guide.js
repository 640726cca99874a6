// The first signature step by step: shows the act that comes next, and says done what was done in this page, nothing else.
// That a signature is made, the server alone says, on the page where the guide ends.
import { NB } from "./words.js";

const ORDER = ["folder", "read", "open", "certificate", "sign"];
const DONE = { folder: "dossier ouvert", read: "document affiché jusqu’au bout", open: "fenêtre ouverte", certificate: "certificat choisi" };
const SLACK = 4; // CSS pixels of the end of a page that may be out of sight

class Guide {
  constructor(box) {
    this.box = box;
    this.acts = new Map([...box.querySelectorAll("[data-guide-act]")].map((one) => [one.dataset.guideAct, one]));
    this.done = new Set(["folder"]);
    this.seen = new Set();
    this.key = `guide-${box.dataset.guide}`;
    if (sessionStorage.getItem(this.key)) this.done.add("read");
  }

  start() {
    this.acts.get("read").append(document.createElement("span"));
    this.follow();
    document.addEventListener("signing", ({ target, detail }) => this.signing(target, detail));
    document.addEventListener("close", ({ target }) => {
      if (target === this.dialog && !target.dataset.aside) this.signing(target, "closed");
    }, true);
    this.show();
  }

  // What stands on the dialog of the signature: opened, a certificate ready or not, the signature asked.
  signing(target, what) {
    const before = this.next;
    if (what === "open") this.dialog = target.closest("dialog");
    for (const [key, on, off] of [["open", "open", "closed"], ["certificate", "ready", "open forgotten closed"]]) {
      if (what === on) this.done.add(key);
      else if (off.split(" ").includes(what)) this.done.delete(key);
    }
    if (this.next !== before) this.show();
  }

  // The pages whose end was on screen, once they are drawn; another document of the folder is not the one that is signed.
  follow() {
    const view = document.querySelector(".vpages");
    if (!view || (view.dataset.viewer && !("viewerMain" in view.dataset)) || this.done.has("read")) return;
    const look = () => {
      const pages = [...view.querySelectorAll(".vpage")];
      const parts = view.dataset.viewer ? pages : [...view.children].slice(-1);
      const bar = getComputedStyle(document.documentElement).getPropertyValue("--pa-bar");
      const foot = Math.min(view.getBoundingClientRect().bottom, innerHeight - (innerWidth < 1100 ? Number.parseFloat(bar) || 0 : 0));
      for (const one of parts) {
        const { bottom, height } = one.getBoundingClientRect();
        if (height && bottom > 0 && bottom <= foot + SLACK && !one.classList.contains("is-waiting")) this.seen.add(one);
      }
      this.pages = parts.length;
      if (parts.length && parts.every((one) => this.seen.has(one))) {
        changes.disconnect();
        removeEventListener("scroll", look, true);
        removeEventListener("resize", look);
        this.done.add("read");
        sessionStorage.setItem(this.key, "read");
        this.show();
      } else this.count();
    };
    const changes = new MutationObserver(look);
    changes.observe(view, { attributes: true, attributeFilter: ["class"], childList: true, subtree: true });
    addEventListener("scroll", look, { capture: true, passive: true });
    addEventListener("resize", look);
    look();
  }

  get next() {
    const [here, ready] = [this.done.has("open"), this.done.has("certificate")];
    if (here) return ready ? "sign" : "certificate";
    return this.done.has("read") ? "open" : "read";
  }

  count() {
    const words = this.acts.get("read").lastChild;
    const text = this.pages > 1 ? ` Pages affichées${NB}: ${this.seen.size} sur ${this.pages}.` : "";
    if (words.textContent !== text) words.textContent = text;
  }

  show() {
    const { next } = this;
    for (const [key, one] of this.acts) one.hidden = key !== next;
    const act = this.acts.get(next);
    const title = act.querySelector("b").textContent.replace(/[.]$/, "");
    const rank = ORDER.indexOf(next) + 1;
    act.value = rank;
    const words = `Première signature, étape ${rank} sur ${ORDER.length}${NB}: ${title[0].toLowerCase()}${title.slice(1)}`;
    this.box.querySelector("[data-guide-title]").textContent = words;
    const done = ORDER.filter((key) => this.done.has(key)).map((key) => DONE[key]);
    const unread = this.done.has("open") && !this.done.has("read") ? " Le document n’a pas été affiché jusqu’au bout." : "";
    this.box.querySelector("[data-guide-done]").textContent = `Fait${NB}: ${done.join(", ")}.${unread}`;
    this.count();
    const line = this.dialog?.open && this.dialog.querySelector("[data-guide-line]");
    if (line) line.textContent = `${words}.${unread}`;
    else if (this.told) this.box.querySelector("[data-guide-told]").textContent = words;
    this.told = true; // what the page opens with is read with it, and not announced besides
  }
}

export function startGuide(box) {
  new Guide(box).start();
}

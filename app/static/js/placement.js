// Lets the person put the visible signature where it belongs: by pointer, or by the arrow keys.
// A box is {page, x1, y1, x2, y2} in PDF points of the displayed page (rotation and crop applied), origin bottom left.
import { element } from "./words.js";

const SIZE = [200, 70]; // points, when no default box gives a size
const STEP = 4;
const LEAST = 60; // points across: below, no name can be read
const SIZES = { "+": 1.1, "-": 1 / 1.1 };

function clamp(value, low, high) {
  return Math.max(low, Math.min(value, Math.max(low, high)));
}

// Puts a node over a page of the document, where a box says; in shares of the page, so that it follows every zoom.
export function lay(node, page, { x1, y1, x2, y2 }) {
  if (node.parentElement !== page.node) page.node.append(node);
  const percent = (value, whole) => `${(100 * value) / whole}%`;
  node.style.setProperty("--box-left", percent(x1, page.width));
  node.style.setProperty("--box-top", percent(page.height - y2, page.height));
  node.style.setProperty("--box-width", percent(x2 - x1, page.width));
  node.style.setProperty("--box-height", percent(y2 - y1, page.height));
}

// Calls back with the viewer of a document as soon as its first pages are measured: now, or when it opens.
export function whenOpen(selector, then) {
  const viewer = document.querySelector(selector)?.viewer;
  if (viewer) {
    then(viewer);
    return;
  }
  const opened = ({ target }) => {
    if (!target.matches(selector)) return;
    document.removeEventListener("viewer-open", opened);
    then(target.viewer);
  };
  document.addEventListener("viewer-open", opened);
}

class Placing {
  constructor(viewer, start, label) {
    this.viewer = viewer;
    this.width = start ? start.x2 - start.x1 : SIZE[0];
    this.height = start ? start.y2 - start.y1 : SIZE[1];
    this.box = element("button", { type: "button", class: "placebox", "aria-describedby": "place-aide" }, label);
    this.words = element("p", { id: "place-aide", role: "status" });
    const n = start?.page ?? viewer.number;
    const page = viewer.pages[n - 1] ?? viewer.pages[0];
    this.put(page.n, start?.x1 ?? page.width - this.width - 40, start?.y1 ?? 60);
  }

  put(n, x, y) {
    const page = this.viewer.pages[n - 1];
    this.page = n;
    // A page smaller than the box takes a smaller one
    this.width = Math.min(this.width, page.width);
    this.height = Math.min(this.height, page.height);
    this.x = clamp(x, 0, page.width - this.width);
    this.y = clamp(y, 0, page.height - this.height);
    lay(this.box, page, { x1: this.x, y1: this.y, x2: this.x + this.width, y2: this.y + this.height });
    const across = Math.round((100 * (this.x + this.width / 2)) / page.width);
    const down = 100 - Math.round((100 * (this.y + this.height / 2)) / page.height);
    this.words.textContent = `Page ${n} sur ${this.viewer.pages.length}, à ${across}\u00a0% de la largeur et ${down}\u00a0% de la hauteur. Glissez le cadre, ou servez-vous des flèches (Maj va plus loin, + et − changent la taille, Entrée valide)\u202f; ${this.viewer.pages.length > 1 ? "« Page suivante » et « Page précédente » changent de page" : "Échap renonce"}.`.replace(/« /g, "«\u00a0").replace(/ »/g, "\u00a0»");
  }

  keyed(event) {
    const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
    const turns = { PageUp: -1, PageDown: 1 };
    const far = event.shiftKey ? 10 : 1;
    if (moves[event.key]) {
      const [dx, dy] = moves[event.key];
      this.put(this.page, this.x + dx * far, this.y + dy * far);
    } else if (event.key === "Enter") {
      this.keep();
    } else if (SIZES[event.key]) {
      this.resize(SIZES[event.key]);
    } else if (turns[event.key]) {
      this.turn(turns[event.key]);
    } else {
      return;
    }
    event.preventDefault();
    this.box.focus();
    this.box.scrollIntoView({ block: "nearest" });
  }

  // Around its middle, in its own proportions: the letters follow.
  resize(by) {
    const page = this.viewer.pages[this.page - 1];
    const factor = clamp(by, LEAST / this.width, Math.min(page.width / this.width, page.height / this.height));
    const [x, y] = [this.x - (this.width * (factor - 1)) / 2, this.y - (this.height * (factor - 1)) / 2];
    this.width *= factor;
    this.height *= factor;
    this.put(this.page, x, y);
  }

  async turn(by) {
    const n = clamp(this.page + by, 1, this.viewer.pages.length);
    await this.viewer.sized(n);
    this.put(n, this.x, this.y);
    this.box.focus(); // a box that changes pages loses it
    this.viewer.show(n);
    this.box.scrollIntoView({ block: "nearest" });
  }

  dragged(event) {
    event.preventDefault();
    this.box.focus();
    this.box.setPointerCapture(event.pointerId);
    const [x, y, startX, startY] = [this.x, this.y, event.clientX, event.clientY];
    const page = this.viewer.pages[this.page - 1];
    const points = page.width / page.node.clientWidth;
    const move = (one) => this.put(this.page, x + (one.clientX - startX) * points, y - (one.clientY - startY) * points);
    const end = () => {
      this.box.removeEventListener("pointermove", move);
      this.box.removeEventListener("pointerup", end);
      this.box.removeEventListener("pointercancel", end);
    };
    this.box.addEventListener("pointermove", move);
    this.box.addEventListener("pointerup", end);
    this.box.addEventListener("pointercancel", end);
  }

  answer() {
    const round = (value) => Math.round(value * 100) / 100;
    return { page: this.page, x1: round(this.x), y1: round(this.y), x2: round(this.x + this.width), y2: round(this.y + this.height) };
  }
}

// The box that the person chose, or null when they gave it up.
export async function choosePlace(viewer, start, label, of = "Emplacement de la signature") {
  await viewer.sized(clamp(start?.page ?? viewer.number, 1, viewer.pages.length));
  return new Promise((resolve) => {
    const placing = new Placing(viewer, start, label);
    const previous = element("button", { type: "button", class: "btn btn-quiet" }, "Page précédente");
    const next = element("button", { type: "button", class: "btn btn-quiet" }, "Page suivante");
    const cancel = element("button", { type: "button", class: "btn btn-line" }, "Annuler");
    const keep = element("button", { type: "button", class: "btn btn-primary" }, "Placer ici");
    const turns = viewer.pages.length > 1 ? [previous, next] : [];
    const bar = element("section", { class: "placebar", "aria-label": of }, placing.words, element("div", { class: "btnrow" }, ...turns, cancel, keep));
    const end = (answer) => {
      document.removeEventListener("keydown", keyed);
      placing.box.remove();
      bar.remove();
      resolve(answer);
    };
    const keyed = (event) => {
      if (event.key === "Escape") {
        event.preventDefault(); // else the same key closes the dialog that comes back
        end(null);
      } else if (event.key === "Tab") {
        const stops = [placing.box, ...bar.querySelectorAll("button")]; // nothing else is to be reached meanwhile
        const to = stops.indexOf(document.activeElement) + (event.shiftKey ? -1 : 1);
        event.preventDefault();
        stops.at(to % stops.length).focus();
      } else if (event.target === placing.box) placing.keyed(event);
    };
    document.addEventListener("keydown", keyed);
    placing.box.addEventListener("pointerdown", (event) => placing.dragged(event));
    previous.addEventListener("click", () => placing.turn(-1));
    next.addEventListener("click", () => placing.turn(1));
    cancel.addEventListener("click", () => end(null));
    placing.keep = () => end(placing.answer());
    keep.addEventListener("click", placing.keep);
    document.body.append(bar);
    viewer.show(placing.page);
    placing.box.scrollIntoView({ block: "center" });
    placing.box.focus();
  });
}

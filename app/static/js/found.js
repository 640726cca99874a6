// What the page of a draft says of a field, framed on the document while the field, or what is proposed for it, is looked at.
import { element } from "./words.js";
import { lay, whenOpen } from "./placement.js";

const SHARES = 10_000; // a place is told in shares of its page
const AROUND = 3; // points between a value and its frame

// The field that an element is of: its own name, or that of what is proposed.
const fieldOf = (node) => node?.closest?.("[data-proposed]")?.dataset.proposed ?? node?.name;

class Frame {
  constructor(form, viewer) {
    Object.assign(this, { form, viewer, field: "" });
    this.words = element("b");
    this.node = element("div", { class: "placed found" }, this.words);
  }

  // Read anew each time: a document is recognised some seconds after the draft opens.
  places() {
    return JSON.parse(this.form.querySelector("[data-places-found]")?.dataset.placesFound ?? "{}");
  }

  async show(field) {
    if (field === this.field) return;
    this.field = field;
    const found = this.places()[field];
    if (!found || !this.viewer.pages[found.place[0] - 1]) return void this.node.remove();
    const [n, left, top, right, bottom] = found.place;
    const page = await this.viewer.sized(n);
    if (field !== this.field) return; // something else is looked at meanwhile
    const [across, down] = [page.width / SHARES, page.height / SHARES];
    this.words.textContent = found.label;
    lay(this.node, page, { x1: left * across - AROUND, y1: page.height - bottom * down - AROUND, x2: right * across + AROUND, y2: page.height - top * down + AROUND });
    this.reach();
  }

  // The document moves in its own window, and the page around it stays where it is.
  reach() {
    const { box } = this.viewer;
    const [inside, frame] = [box.getBoundingClientRect(), this.node.getBoundingClientRect()];
    if (frame.top < inside.top + 24 || frame.bottom > inside.bottom) box.scrollTop += frame.top - inside.top - inside.height / 3;
    if (frame.left < inside.left || frame.right > inside.right) box.scrollLeft += frame.left - inside.left - 24;
  }
}

export function startFound(form) {
  whenOpen(".viewer", (viewer) => {
    const frame = new Frame(form, viewer);
    const focused = () => (form.contains(document.activeElement) ? fieldOf(document.activeElement) : "");
    form.addEventListener("focusin", ({ target }) => frame.show(fieldOf(target)));
    // Under a finger there is no pointer that rests: what is proposed is touched, and the document comes where it is above
    form.addEventListener("click", ({ target }) => {
      if (!target.closest("[data-proposed]") || target.closest("button")) return;
      frame.show(fieldOf(target));
      viewer.bar.scrollIntoView({ block: "nearest" });
    });
    form.addEventListener("mouseover", ({ target }) => frame.show(fieldOf(target.closest("[data-proposed]")) ?? focused()));
    form.addEventListener("mouseleave", () => frame.show(focused()));
    frame.show(focused());
  });
}

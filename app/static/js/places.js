// The depositor's page: one box for each signature, placed on the document one after the other and sent together.
import { element } from "./words.js";
import { choosePlace, lay, whenOpen } from "./placement.js";

const USUAL = "À l’emplacement habituel";

class Places {
  constructor(form) {
    this.form = form;
    this.rows = JSON.parse(form.dataset.places);
    this.lines = [...form.querySelectorAll("[data-place-row]")];
    this.marks = this.rows.map((row) => element("div", { class: "placed", "aria-hidden": "true" }, row.label));
  }

  start() {
    this.lines.forEach((line, n) => {
      const choose = line.querySelector("[data-place-choose]");
      choose.addEventListener("click", () => this.choose(n, choose));
      line.querySelector("[data-place-clear]").addEventListener("click", () => {
        this.put(n, null);
        choose.focus();
      });
    });
    this.rows.forEach((row, n) => this.put(n, row.box));
    // Nothing can be placed, and no mark laid, before the document is there.
    whenOpen(".viewer", (viewer) => {
      this.viewer = viewer;
      for (const line of this.lines) line.querySelector("[data-place-choose]").disabled = false;
      this.rows.forEach((_, n) => this.show(n));
    });
  }

  async choose(n, button) {
    this.marks[n].remove();
    this.form.inert = true; // one signature at a time
    const box = await choosePlace(this.viewer, this.rows[n].box, this.rows[n].label);
    this.form.inert = false;
    this.put(n, box ?? this.rows[n].box);
    button.focus();
  }

  put(n, box) {
    this.rows[n].box = box;
    this.form.elements.places.value = JSON.stringify(this.rows);
    this.lines[n].querySelector("[data-place-words]").textContent = box ? `Placée page ${box.page}` : USUAL;
    this.lines[n].querySelector("[data-place-clear]").hidden = !box;
    this.marks[n].remove();
    this.show(n);
  }

  // A place beyond the last page (the document was replaced by a shorter one) has no mark.
  async show(n) {
    const { box } = this.rows[n];
    if (!box || !this.viewer?.pages[box.page - 1]) return;
    const page = await this.viewer.sized(box.page);
    if (this.rows[n].box === box) lay(this.marks[n], page, box);
  }
}

export function startPlaces(form) {
  new Places(form).start();
}

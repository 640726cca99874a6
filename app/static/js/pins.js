// Notes pinned on the pages of the document that is shown: their marks over the pages, and the choice of a place for a new one.
import { element } from "./words.js";
import { choosePlace, lay, whenOpen } from "./placement.js";

const USUAL = [150, 60]; // points: what a new note frames before anybody moves it

// The mark of a note: where it was placed, or at the top of its page.
async function mark(viewer, pin) {
  if (!viewer.pages[pin.page - 1]) return null;
  const page = await viewer.sized(pin.page);
  const [x1, y1, x2, y2] = pin.box ?? [0, page.height - 30, 60, page.height];
  const link = element("a", { class: `placed pin${pin.settled ? " is-settled" : ""}`, href: pin.url, id: `repere-${pin.n}` }, element("span", { class: "count", "aria-hidden": "true" }, pin.n), element("span", { class: "visually-hidden" }, pin.words));
  lay(link, page, { x1, y1, x2, y2 });
  return link;
}

export function startPins(box) {
  const pins = JSON.parse(box.dataset.pins);
  whenOpen(".viewer", async (viewer) => {
    for (const pin of pins) await mark(viewer, pin);
    const show = (n) => {
      const pin = pins.find((one) => String(one.n) === n);
      if (!pin) return;
      viewer.show(pin.page);
      const link = document.getElementById(`repere-${n}`);
      link?.scrollIntoView({ block: "center" });
      link?.focus();
    };
    document.addEventListener("click", (event) => {
      const asked = event.target.closest?.("[data-pin-show]");
      if (!asked || !document.getElementById(`repere-${asked.dataset.pinShow}`)) return;
      event.preventDefault();
      show(asked.dataset.pinShow);
    });
    const asked = location.hash.match(/^#repere-(\d+)$/);
    if (asked) show(asked[1]);
  });
}

export function startPinning(part) {
  const form = part.closest("form");
  const { page, box } = form.elements;
  const choose = part.querySelector("button");
  const words = part.querySelector("[role=status]");
  const whole = words.textContent;
  const asked = Number(location.hash.match(/^#epingler-(\d+)$/)?.[1]); // from the bar of the document, on another tab
  let drawn = null; // where the note will be, until it is written
  page.addEventListener("input", () => {
    box.value = "";
    words.textContent = whole;
    drawn?.remove();
  });
  whenOpen(".viewer", (viewer) => {
    choose.hidden = false;
    const draw = async () => {
      drawn?.remove();
      if (!box.value || !viewer.pages[page.value - 1]) return;
      const [x1, y1, x2, y2] = box.value.split(",").map(Number);
      drawn = element("span", { class: "placed pin is-coming", "aria-hidden": "true" });
      lay(drawn, await viewer.sized(Number(page.value)), { x1, y1, x2, y2 });
    };
    draw();
    const place = async (asked) => {
      part.open = form.closest("details").open = true;
      const n = Math.min(Math.max(asked || viewer.number, 1), viewer.pages.length);
      const { width, height } = await viewer.sized(n);
      const [x1, y1] = [(width - USUAL[0]) / 2, (height - USUAL[1]) / 2];
      const start = { page: n, x1, y1, x2: x1 + USUAL[0], y2: y1 + USUAL[1] };
      form.inert = true;
      const chosen = await choosePlace(viewer, start, "Note", "Emplacement de la note");
      form.inert = false;
      if (chosen) {
        page.value = chosen.page;
        box.value = [chosen.x1, chosen.y1, chosen.x2, chosen.y2].join(",");
        draw();
        words.textContent = `Un endroit de la page ${chosen.page} est choisi\u202f; rien n’est écrit dans le fichier.`;
      }
      const note = form.querySelector("textarea");
      (note.value.trim() ? choose : note).focus(); // what is typed next is the note
    };
    choose.addEventListener("click", () => place(Number(page.value)));
    viewer.bar.querySelector(".vpin").addEventListener("click", (event) => {
      event.preventDefault();
      place(viewer.number);
    });
    if (asked) place(asked);
  });
}

// The tree of desks: one is drawn by its grip, or lifted by Space and placed by arrows, under another. The move is asked of
// the server as the form of « Déplacer… » asks it; what it refuses is said, and the tree stays as it is.
import { over, restored } from "./session.js";
import { quoted } from "./words.js";

const EDGE = 60; // pixels from the top or the bottom of the window, where the page follows what is drawn

export function startTree(room) {
  let held = null; // the desk that is lifted: its row, where it may go, and where it would
  const said = () => room.querySelector("[data-tree-said]");
  const say = (words) => (said().textContent = words);
  const desk = (node) => node.closest("li[data-desk]");
  const places = (row) => [...room.querySelectorAll("[data-desk]")].filter((one) => !row.contains(one));
  const under = (place) => (place.dataset.desk ? `sous ${quoted(place.dataset.name)}` : "au sommet");

  function mark(place) {
    for (const one of room.querySelectorAll(".is-over")) one.classList.remove("is-over");
    place?.classList.add("is-over");
  }

  function lift(row) {
    const every = places(row);
    const at = every.findIndex((one) => one.dataset.desk === row.dataset.parent);
    held = { row, every, at: Math.max(at, 0) };
    row.classList.add("is-dragged");
    room.classList.add("is-lifting");
    row.querySelector("[data-grip]").setAttribute("aria-pressed", "true");
  }

  function drop() {
    mark(null);
    held?.row.classList.remove("is-dragged");
    held?.row.querySelector("[data-grip]").setAttribute("aria-pressed", "false");
    room.classList.remove("is-lifting");
    held = null;
  }

  async function move(row, place) {
    const { desk: number, name, parent } = row.dataset;
    if (place.dataset.desk === parent) return say(`${quoted(name)} y est déjà.`);
    const address = room.dataset.move.replace("/0/", `/${number}/`);
    say(`Déplacement ${under(place)} en cours…`);
    row.classList.add("is-moving");
    try {
      if ((await over()) && !(await restored())) return say(`${quoted(name)} est resté à sa place.`);
      const data = new FormData();
      data.set("csrf_token", room.querySelector("[name=csrf_token]").value);
      data.set("parent", place.dataset.desk);
      data.set("shown_name", name);
      data.set("shown_parent", parent);
      const answer = await fetch(address, { method: "POST", body: data, credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.querySelector("[data-tree]");
      const refused = page.querySelector("[data-refused]");
      if (answer.ok && next) return placed(next, answer.url, number, name, page);
      if (refused) return say(refused.textContent.trim());
      // What it would stop is to be read first, or who is there is asked: by the page of the form
      window.location.assign(`${address}?vers=${place.dataset.desk}`);
    } catch {
      say(`Le serveur n’a pas répondu : ${quoted(name)} est resté à sa place.`);
    } finally {
      row.classList.remove("is-moving");
    }
  }

  function placed(next, url, number, name, page) {
    const words = page.querySelector(".flash")?.textContent.trim() ?? "";
    history.replaceState(history.state, "", url);
    const fresh = document.adoptNode(next);
    fresh.querySelector("[data-tree-said]").remove();
    fresh.querySelector(".dhead").after(said()); // the region that is listened to stays
    room.replaceChildren(...fresh.childNodes);
    wake();
    document.getElementById(`grip-${number}`)?.focus();
    say(words || `${quoted(name)} est déplacé.`);
  }

  function wake() {
    room.querySelector("[data-tree-zone]").hidden = false;
    for (const grip of room.querySelectorAll("[data-grip]")) grip.hidden = false;
  }

  room.addEventListener("keydown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip) return;
    if (event.key === "Escape" && held) {
      say(`${quoted(held.row.dataset.name)} est resté à sa place.`);
      drop();
    } else if ([" ", "Enter"].includes(event.key)) {
      event.preventDefault();
      if (event.repeat) return;
      if (!held) {
        lift(desk(grip));
        mark(held.every[held.at]);
        return say(`${quoted(held.row.dataset.name)} saisi, ${under(held.every[held.at])} : flèches pour changer, Espace pour poser, Échap pour renoncer.`);
      }
      const { row, every, at } = held;
      drop();
      move(row, every[at]);
    } else if (held && ["ArrowUp", "ArrowDown"].includes(event.key)) {
      event.preventDefault();
      held.at = Math.min(Math.max(held.at + (event.key === "ArrowDown" ? 1 : -1), 0), held.every.length - 1);
      const place = held.every[held.at];
      mark(place);
      place.scrollIntoView({ block: "nearest" });
      say(under(place).replace(/^./, (one) => one.toUpperCase()));
    }
  });
  room.addEventListener("focusout", (event) => {
    if (held?.pointer === undefined && event.target.matches("[data-grip]") && event.relatedTarget) drop();
  });

  room.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (grip && event.button === 0 && event.isPrimary) draw(grip, event);
  });

  function draw(grip, start) {
    drop();
    let place = null;
    const moved = (event) => {
      if (!held && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < 6) return;
      if (!held) {
        lift(desk(grip));
        held.pointer = start.pointerId;
      }
      if (event.clientY < EDGE || event.clientY > window.innerHeight - EDGE) window.scrollBy(0, event.clientY < EDGE ? -12 : 12);
      const found = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-tree] [data-desk]");
      place = found && held.every.includes(found) ? found : null;
      mark(place);
    };
    const done = (event) => {
      grip.removeEventListener("pointermove", moved);
      for (const end of ["pointerup", "pointercancel"]) grip.removeEventListener(end, done);
      const row = held?.row;
      drop();
      if (row && event.type === "pointerup") {
        if (place) move(row, place);
        else say(`${quoted(row.dataset.name)} est resté à sa place.`);
      }
    };
    grip.setPointerCapture(start.pointerId);
    grip.addEventListener("pointermove", moved);
    for (const end of ["pointerup", "pointercancel"]) grip.addEventListener(end, done);
  }

  wake();
}

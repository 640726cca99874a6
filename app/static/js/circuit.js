// The steps of a circuit, or the rows of rules: each gesture goes as the form would send it, and the page takes its new state without being left.
// Everything works without this: the buttons are those of a form.
import { over, restored } from "./session.js";
import { notice } from "./words.js";

// Where the keyboard goes on when the button that was pressed is no longer there.
const THEN = {
  open: (_, form) => form.dataset.first,
  add: (_, form) => form.dataset.first,
  copy: (_, form) => form.dataset.first,
  close: (_, form) => form.dataset.closed && `g-open-${form.dataset.closed}`,
  remove: () => "g-add-0",
  up: (key) => `g-down-${key}`,
  down: (key) => `g-up-${key}`,
  unwho: () => "champ-who_add",
  untold: () => "champ-told_add",
  unalltold: () => "champ-all_told_add",
  uncond: () => "g-addcond",
  addcond: (_, form) => [...form.querySelectorAll("[name^=cond_field_]")].at(-1)?.id,
};
const MOVES = ["up", "down", "move"];

export function startCircuit(form) {
  const said = form.querySelector("[data-circuit-said]");
  let [queue, latest, pressed, held, swapping] = [Promise.resolve(), 0, Promise.resolve(), null, false];
  let [arrowed, leaving, lifted] = [false, false, 0];
  const editor = () => form.querySelector("#editor");

  // What is typed now is what is sent, even where an answer that is awaited changes the page meanwhile.
  function send(gesture, told = true) {
    const data = new FormData(form);
    data.set("gesture", gesture);
    const mine = (latest += 1);
    form.dataset.closed = editor().querySelector("[name=open]")?.value ?? "";
    queue = queue.then(() => post(data, gesture, mine, told)).catch(failed);
    return queue;
  }

  async function post(data, gesture, mine, told) {
    const back = !(await over()) || (await restored());
    if (back === null) throw new Error("no login");
    if (!back) return;
    data.set("version", editor().querySelector("[name=version]").value);
    data.set("csrf_token", form.elements.csrf_token.value);
    const answer = await fetch(form.action, { method: "POST", body: data, credentials: "same-origin" });
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("editor");
    if (!next) throw new Error("no editor");
    if (!told) await pressed; // a button that is being pressed stays under the finger
    if (answer.ok && mine !== latest && !told) return void stamp(next);
    if (answer.ok) history.replaceState(history.state, "", answer.url);
    swap(next, gesture);
  }

  // Only when it was saved, and in which version: what is typed since stays as it is.
  function stamp(next) {
    for (const part of ["[name=version]", "[data-circuit-saved]"]) {
      editor().querySelector(part).replaceWith(document.adoptNode(next.querySelector(part)));
    }
  }

  function swap(next, gesture) {
    const { activeElement: at } = document;
    const [id, from, to] = [at?.id, at?.selectionStart, at?.selectionEnd];
    const scrolled = form.querySelector(".cedit > aside")?.scrollTop ?? 0;
    swapping = true; // a field that goes away tells of its change once more: it is sent already
    editor().replaceWith(document.adoptNode(next));
    swapping = false;
    form.querySelector(".cedit > aside")?.scrollTo(0, scrolled);
    wake();
    const [verb, ...rest] = gesture.split(":");
    const key = MOVES.includes(verb) ? rest[0] : rest.join(":");
    const refused = form.querySelector("#refus");
    const same = id ? document.getElementById(id) : null;
    const other = document.getElementById(THEN[verb]?.(key, form) ?? (id ? form.dataset.first : ""));
    const target = refused ?? (["open", "add", "copy", "addcond"].includes(verb) ? other : same ?? other);
    target?.focus({ preventScroll: target === same });
    if (verb === "add" && target === other) target?.select?.(); // what is typed takes the place of « Nouvelle étape »
    if (target === same && from != null && at.type !== "radio") target.setSelectionRange?.(from, to);
    said.textContent = MOVES.includes(verb) && !refused
      ? form.querySelector(`[data-card="${CSS.escape(key)}"]`)?.dataset.place ?? ""
      : form.querySelector("[data-circuit-saved]").textContent.trim();
  }

  function failed() {
    document.querySelector("[data-circuit-failed]")?.remove();
    const words = notice("danger", "Rien n’a été enregistré", "Le serveur n’a pas répondu comme attendu. Ce que vous avez saisi est encore dans la page : réessayez, ou rechargez-la.");
    words.setAttribute("role", "alert");
    words.dataset.circuitFailed = "";
    editor().prepend(words);
  }

  function wake() {
    for (const grip of form.querySelectorAll("[data-grip]")) {
      grip.hidden = false;
      grip.setAttribute("aria-pressed", String(grip.dataset.grip === held));
    }
  }

  const placeOf = (key) => [...form.querySelectorAll("[data-card]")].findIndex((one) => one.dataset.card === key);

  // Each arrow has moved it for good: once all of them are answered, it goes back where it was lifted.
  async function giveUp(key, place) {
    await queue;
    if (placeOf(key) !== place) await send(`move:${key}:${place}`);
    if (placeOf(key) === place) said.textContent = `${form.dataset.part} remise à sa place`;
  }

  // What is told once the draft is given up stands on a page of its own: the form goes as it would without a script.
  function leave() {
    leaving = true;
    form.requestSubmit(form.querySelector("#g-discard"));
  }

  form.addEventListener("submit", (event) => {
    if (leaving) return;
    event.preventDefault();
    if (event.submitter?.id === "g-discard") queue = queue.then(() => setTimeout(leave)); // not while this submission is told
    else send(event.submitter?.value || "save");
  });
  form.addEventListener("input", () => (latest += 1));
  // Whom to add is only added by the button beside. A list that is gone through by keyboard, by arrows or by letters, is
  // sent once it is left or by Enter: what it passes on the way is no choice, and would change the page under the keyboard.
  const listed = (target) => target.tagName === "SELECT" && !target.name.endsWith("_add");
  form.addEventListener("change", ({ target }) => {
    if (swapping || target.name.endsWith("_add") || (listed(target) && arrowed)) return;
    send("save", false);
  });
  document.addEventListener("pointerdown", ({ target }) => {
    if (listed(target)) arrowed = false;
    pressed = new Promise((resolve) => document.addEventListener("pointerup", () => setTimeout(resolve, 50), { once: true }));
  });
  form.addEventListener("focusout", ({ target }) => {
    if (swapping || !listed(target)) return;
    arrowed = false;
    if (!target.selectedOptions[0].defaultSelected) send("save", false);
  });
  form.addEventListener("focusout", (event) => {
    if (!event.target.matches?.("[data-grip]") || !event.relatedTarget) return;
    held = null;
    wake();
  });
  form.addEventListener("keydown", (event) => {
    if (listed(event.target) && event.key === "Enter") {
      event.preventDefault();
      arrowed = false;
      send("save");
    } else if (listed(event.target)) arrowed = true;
    const grip = event.target.closest("[data-grip]");
    if (grip && [" ", "Enter"].includes(event.key)) {
      event.preventDefault();
      held = held ? null : grip.dataset.grip;
      lifted = held ? placeOf(held) : lifted;
      said.textContent = `${form.dataset.part} ${held ? "saisie : flèches pour la déplacer, Espace pour la poser, Échap pour renoncer" : "posée"}`;
      wake();
    } else if (grip && held && ["ArrowUp", "ArrowDown"].includes(event.key)) {
      event.preventDefault();
      const verb = event.key === "ArrowUp" ? "up" : "down";
      if (document.getElementById(`g-${verb}-${held}`)) send(`${verb}:${held}`);
    } else if (event.key === "Escape" && held) {
      giveUp(held, lifted);
      held = null;
      wake();
    } else if (event.key === "Escape" && event.target.closest(".scard.is-open")) {
      send("close");
    }
  });
  form.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (grip && event.button === 0) drag(grip, event);
  });

  // By the grip: the line between two cards says where the step would go.
  function drag(grip, start) {
    const card = grip.closest("[data-card]");
    const others = [...form.querySelectorAll("[data-card]")].filter((one) => one !== card);
    let place = null;
    const moved = (event) => {
      if (place === null && Math.abs(event.clientY - start.clientY) < 6) return;
      card.classList.add("is-dragged");
      const middle = (one) => one.getBoundingClientRect().top + one.offsetHeight / 2;
      place = others.filter((one) => middle(one) < event.clientY).length;
      for (const one of others) one.firstElementChild.classList.remove("is-before");
      others[place]?.firstElementChild.classList.add("is-before");
    };
    const done = (event) => {
      grip.removeEventListener("pointermove", moved);
      for (const one of others) one.firstElementChild.classList.remove("is-before");
      card.classList.remove("is-dragged");
      if (event.type === "pointerup" && place !== null) send(`move:${grip.dataset.grip}:${place}`);
    };
    grip.setPointerCapture(start.pointerId);
    grip.addEventListener("pointermove", moved);
    for (const end of ["pointerup", "pointercancel"]) grip.addEventListener(end, done, { once: true });
  }

  wake();
}

// Shows a PDF as it is: every page at its size before it is drawn, its text selectable and readable by a screen reader.
import * as pdfjs from "../vendor/pdfjs/pdf.min.js";
import { restored } from "./session.js";
import { NB, csrf, element, icon, notice } from "./words.js";

const BASE = new URL("../vendor/pdfjs/", import.meta.url).href;
pdfjs.GlobalWorkerOptions.workerSrc = `${BASE}pdf.worker.min.js`;

const ZOOMS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4];
const WIDEST = 736; // CSS pixels at zoom 1: the width of a page on a desk, narrower where the screen is
const DRAWN = 8; // pages kept drawn; the others keep their place
const MAX_PIXELS = 16_000_000;
const GRAIN = 1024; // bytes that are asked alone: what tells a page among the images of a scan is a few hundred
const PIECE = 65_536; // bytes that come with what is asked, where nothing else is asked meanwhile
const FEW = 6; // more that is asked at once is spread over the file: each comes alone, many in an answer
const ALONE = 2; // how a grain came that nothing follows
const TOGETHER = 200; // ranges in one question
const FIRST = 2 * PIECE; // what is asked before the size of the file is known
const WHOLE = 4_194_304; // bytes under which the rest of a file comes at once
const AHEAD = 20; // pages of a long file that are measured before anybody comes near them
const AGAIN = [1, 3, 9]; // seconds before what the server did not give is asked again

// The bytes of a document that is long, where they are looked at.
class Ranges extends pdfjs.PDFDataRangeTransport {
  constructor(url, length, first, tag, lost) {
    super(length, first);
    Object.assign(this, { url, size: length, tag, lost, over: false, wanted: [], come: new Uint8Array(Math.ceil(length / GRAIN)) });
    this.come.fill(1, 0, first.length / GRAIN);
  }

  // What is asked in one go goes together.
  requestDataRange(begin, end) {
    this.wanted.push([begin, end]);
    if (this.wanted.length === 1) setTimeout(() => this.send(this.wanted.splice(0)), 5);
  }

  send(wanted) {
    if (wanted.length <= FEW) for (const [begin, end] of wanted) this.given([[begin, this.widened(begin, end)]]);
    else for (let n = 0; n < wanted.length; n += TOGETHER) this.given(wanted.slice(n, n + TOGETHER));
  }

  // A range and what follows it, up to what is there already; the end of what came alone comes alone too.
  widened(begin, end) {
    let last = end;
    if (this.come[begin / GRAIN - 1] === ALONE) return end;
    while (last < this.size && last - begin < PIECE && !this.come[last / GRAIN]) last += GRAIN;
    return Math.min(last, this.size);
  }

  async given(ranges) {
    for (const [begin, end] of ranges) this.come.fill(end - begin > GRAIN ? 1 : ALONE, begin / GRAIN, Math.ceil(end / GRAIN));
    try {
      const several = ranges.length > 1 ? await pieces(this.url, ranges, this.tag) : null;
      for (const [n, [begin, end]] of ranges.entries()) {
        const data = several ? several[n] : await piece(this.url, begin, end, this.tag);
        if (!this.over) this.onDataRange(begin, data);
      }
    } catch {
      if (!this.over) this.lost();
    }
  }

  abort() {
    this.over = true;
  }
}

const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

function ask(url, ranges, tag) {
  const headers = { Accept: "application/json", Range: `bytes=${ranges.map(([begin, end]) => `${begin}-${end - 1}`).join(",")}` };
  if (tag) headers["If-Range"] = tag;
  return fetch(url, { headers, credentials: "same-origin" });
}

// One range, asked again of a server that is busy or away, and once the session that ended is open again.
async function piece(url, begin, end, tag) {
  for (const seconds of [...AGAIN, 0]) {
    const answer = await ask(url, [[begin, end]], tag).catch(() => null);
    const data = answer?.status === 206 ? await answer.arrayBuffer().catch(() => null) : null;
    if (data) return new Uint8Array(data);
    if (answer?.status === 401 && (await restored())) continue;
    if (answer?.ok || (answer && answer.status < 429)) break;
    await pause(Math.min(Number(answer?.headers.get("Retry-After")) || seconds, 60));
  }
  throw new Error("these bytes do not come");
}

// Several ranges in one answer (RFC 9110, 14.6); null where they are to be asked one by one.
async function pieces(url, ranges, tag) {
  const sorted = ranges.sort(([one], [other]) => one - other);
  const answer = await ask(url, sorted, tag).catch(() => null);
  const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(answer?.headers.get("Content-Type") ?? "")?.[1];
  const data = answer?.status === 206 && boundary ? await answer.arrayBuffer().catch(() => null) : null;
  if (!data) return null;
  const found = [];
  let at = 0;
  for (const [begin, end] of sorted) {
    const head = new TextDecoder("latin1").decode(new Uint8Array(data, at, Math.min(300, data.byteLength - at)));
    const size = head.indexOf("\r\n\r\n") + 4;
    if (!head.slice(0, size).includes(`Content-Range: bytes ${begin}-${end - 1}/`)) return null;
    found.push(new Uint8Array(data.slice(at + size, at + size + end - begin)));
    at += size + end - begin;
  }
  return found;
}

// What pdf.js is told to read: a short file whole, a long one by ranges.
async function source(url, lost) {
  const answer = await ask(url, [[0, FIRST]]);
  if (!answer.ok) throw new Error(`the document is refused: ${answer.status}`);
  const first = new Uint8Array(await answer.arrayBuffer());
  if (answer.status !== 206) return { data: first };
  const length = Number(answer.headers.get("Content-Range").split("/")[1]);
  const tag = answer.headers.get("ETag");
  if (length > WHOLE) return { range: new Ranges(url, length, first, tag, lost), rangeChunkSize: GRAIN, disableAutoFetch: true, disableStream: true };
  const data = new Uint8Array(length);
  data.set(first);
  data.set(await piece(url, first.length, length, tag), first.length);
  return { data };
}

class Viewer {
  constructor(box) {
    this.box = box;
    this.bar = box.closest(".viewer");
    this.zoom = ZOOMS.indexOf(1);
    this.pages = [];
    this.drawn = [];
    this.number = 1;
    this.looked = () => {};
  }

  // `data`: the bytes, where the page has them already; else they are asked.
  async open(data) {
    const read = data ? { data } : await source(this.box.dataset.viewer, () => failed(this.box));
    this.long = Boolean(read.range);
    const loading = pdfjs.getDocument({
      ...read,
      isEvalSupported: false,
      useWasm: false, // the page's policy allows no WebAssembly; pdf.js has decoders in plain script
      enableXfa: false,
      verbosity: pdfjs.VerbosityLevel.ERRORS,
      cMapUrl: `${BASE}cmaps/`,
      cMapPacked: true,
      standardFontDataUrl: `${BASE}standard_fonts/`,
      wasmUrl: `${BASE}wasm/`,
    });
    this.pdf = await loading.promise;
    const first = await this.pdf.getPage(1);
    const { width, height } = first.getViewport({ scale: 1 });
    const places = [];
    for (let n = 1; n <= this.pdf.numPages; n += 1) {
      const node = element("div", { class: "vpage is-waiting", role: "group", "aria-label": `Page ${n} sur ${this.pdf.numPages}` });
      this.pages.push({ n, node, width, height });
      places.push(node);
    }
    this.box.replaceChildren(...places);
    this.box.classList.add("is-sized");
    this.layout();
    this.watch();
    this.controls();
    if (this.long) await this.draw(this.pages[0]).catch(() => {}); // before the line is taken by what is further on
    await this.measure(this.long ? AHEAD : this.pages.length);
    this.bar.viewer = this;
    this.bar.dispatchEvent(new CustomEvent("viewer-open", { bubbles: true }));
    await this.askText();
  }

  scale() {
    const room = this.box.clientWidth - 2 * Number.parseFloat(getComputedStyle(this.box).paddingLeft);
    const widest = Math.max(...this.pages.map((page) => page.width));
    return (ZOOMS[this.zoom] * Math.min(room, WIDEST)) / widest;
  }

  layout() {
    const scale = this.scale();
    for (const page of this.pages) {
      page.node.style.setProperty("--page-width", `${Math.floor(page.width * scale)}px`);
      page.node.style.setProperty("--page-height", `${Math.floor(page.height * scale)}px`);
    }
    if (scale !== this.drawnAt) {
      this.drawnAt = scale;
      for (const page of [...this.drawn]) this.erase(page);
    }
  }

  // Pages of another size than the first are found without waiting: nothing moves under the finger afterwards.
  async measure(count) {
    for (const page of this.pages.slice(0, count)) await this.sized(page.n);
  }

  // The page of this number, measured: only such a one can carry a box where it will be printed.
  async sized(n) {
    const page = this.pages[n - 1];
    page.proxy ??= await this.pdf.getPage(n);
    const { width, height } = page.proxy.getViewport({ scale: 1 });
    if (width === page.width && height === page.height) return page;
    Object.assign(page, { width, height });
    this.layout();
    this.drawNear();
    return page;
  }

  async askText() {
    for (const { n } of this.pages.slice(0, 5)) {
      const text = await (await this.sized(n)).proxy.getTextContent();
      if (text.items.some((item) => item.str?.trim())) return;
    }
    const note = this.bar.querySelector("[data-viewer-note]");
    if (note) note.hidden = false;
  }

  watch() {
    this.near = new Set();
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const page = this.pages[[...this.box.children].indexOf(entry.target)];
        if (entry.isIntersecting) this.near.add(page);
        else this.near.delete(page);
      }
      this.drawNear();
    }, { root: this.box, rootMargin: "600px 0px" });
    for (const page of this.pages) observer.observe(page.node);
    this.box.addEventListener("scroll", () => this.place(), { passive: true });
    let width = this.box.clientWidth;
    new ResizeObserver(() => {
      if (this.box.clientWidth === width) return;
      width = this.box.clientWidth;
      this.layout();
      this.drawNear();
    }).observe(this.box);
    this.place();
    this.told();
  }

  // Every page was drawn, and both of its ends were in the window: the server is told, once. What waited for it comes then.
  told() {
    const url = this.box.dataset.viewerSeen;
    if (!url) return;
    const ends = new Map(); // a mark: its page
    const [near, seen] = [new Set(), new Set()];
    for (const page of this.pages) {
      for (const cls of ["vend vend-top", "vend"]) ends.set(element("span", { class: cls, "aria-hidden": "true" }), page);
    }
    for (const [mark, page] of ends) page.node.append(mark);
    const bar = document.querySelector(".decide-bar"); // laid over the foot of the window on small screens
    const hidden = bar && getComputedStyle(bar).position === "fixed" ? bar.offsetHeight : 0;
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) near[isIntersecting ? "add" : "delete"](target);
      this.looked();
    }, { rootMargin: `0px 0px -${hidden}px` }); // of the whole window: what hangs below its edge is in no sight
    this.looked = () => {
      for (const mark of near) if (ends.get(mark).ready) seen.add(mark);
      if (seen.size < ends.size) return;
      this.looked = () => {};
      observer.disconnect();
      read(url);
    };
    for (const mark of ends.keys()) observer.observe(mark);
  }

  drawNear() {
    for (const page of this.near) this.draw(page);
    const far = this.drawn.filter((page) => !this.near.has(page));
    for (const page of far.slice(0, Math.max(0, this.drawn.length - DRAWN))) this.erase(page);
  }

  async draw(page) {
    if (page.task || page.ready) return;
    const begun = { cancel() {} };
    page.task = begun;
    this.drawn.push(page);
    try {
      await this.sized(page.n);
      if (page.task !== begun) return; // scrolled away meanwhile, or begun again at another size
      const scale = this.scale();
      const viewport = page.proxy.getViewport({ scale });
      const dense = Math.min(window.devicePixelRatio || 1, 3, Math.sqrt(MAX_PIXELS / (viewport.width * viewport.height)));
      const canvas = element("canvas", { "aria-hidden": "true" });
      canvas.width = Math.floor(viewport.width * dense);
      canvas.height = Math.floor(viewport.height * dense);
      const render = page.proxy.render({ canvas, viewport, transform: [dense, 0, 0, dense, 0, 0] });
      page.task = render;
      await render.promise;
      const text = element("div", { class: "vtext" });
      text.style.setProperty("--total-scale-factor", scale);
      // What stands on the page besides the drawing (the place of a signature being chosen) stays.
      page.node.querySelectorAll("canvas, .vtext").forEach((old) => old.remove());
      page.node.prepend(canvas, text);
      page.node.classList.remove("is-waiting");
      page.ready = true;
      this.looked();
      await new pdfjs.TextLayer({ textContentSource: page.proxy.streamTextContent(), container: text, viewport }).render();
    } catch (error) {
      if (error?.name !== "RenderingCancelledException") throw error;
    }
  }

  erase(page) {
    page.task?.cancel();
    page.task = null;
    page.ready = false;
    this.drawn.splice(this.drawn.indexOf(page), 1);
    page.node.querySelectorAll("canvas, .vtext").forEach((old) => old.remove());
    page.node.classList.add("is-waiting");
  }

  // The page in view is the one under the upper third of the window.
  place() {
    const line = this.box.getBoundingClientRect().top + this.box.clientHeight / 3;
    const page = this.pages.find((one) => one.node.getBoundingClientRect().bottom > line) ?? this.pages.at(-1);
    this.number = page.n;
    const pin = this.bar.querySelector(".vpin");
    if (pin) pin.hash = `epingler-${page.n}`;
    const words = this.bar.querySelector("[data-viewer-place]");
    if (!words || words.dataset.n === String(page.n)) return;
    words.dataset.n = page.n;
    words.replaceChildren(element("span", { "aria-hidden": "true" }, `${page.n} / ${this.pages.length}`), element("span", { class: "visually-hidden" }, `Page ${page.n} sur ${this.pages.length}`));
  }

  show(n) {
    const page = this.pages[n - 1];
    this.box.scrollTop += page.node.getBoundingClientRect().top - this.box.getBoundingClientRect().top - 16;
    this.place();
  }

  controls() {
    for (const button of this.bar.querySelectorAll("[data-viewer-zoom]")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const seen = this.box.scrollTop / this.box.scrollHeight;
        this.zoom = Math.max(0, Math.min(ZOOMS.length - 1, this.zoom + Number(button.dataset.viewerZoom)));
        this.layout();
        this.box.scrollTop = seen * this.box.scrollHeight;
        this.drawNear();
      });
    }
  }
}

// The decision that waited for the reading takes the place of what refused it. Where the folder has moved on meanwhile, or
// something is typed or held there, a link asks for the page instead.
async function read(url) {
  const answer = await fetch(url, { method: "POST", headers: { Accept: "application/json", "X-CSRFToken": csrf() } }).catch(() => null);
  const { left } = answer?.ok ? await answer.json() : {};
  const why = document.querySelector("#why[data-reading]");
  if (left !== 0 || !why) return;
  const page = await fetch(location.href, { credentials: "same-origin" }).then((one) => (one.ok ? one.text() : "")).catch(() => "");
  const parts = (root) => [...root.querySelectorAll("[data-decision]")]; // the decision, and what goes with it
  const [old, fresh] = [parts(document), parts(new DOMParser().parseFromString(page, "text/html"))];
  const typed = old.flatMap((one) => [...one.querySelectorAll("textarea, select, input:not([type=hidden])")]).some((one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked);
  const held = old.some((one) => one.contains(document.activeElement));
  if (fresh[0]?.dataset.decision !== old[0].dataset.decision || typed || held) {
    why.classList.remove("t-danger");
    why.setAttribute("role", "status");
    return void why.replaceChildren(icon("check-circle"), " ", element("a", { href: location.href }, `Tout est lu${NB}: rouvrir le dossier pour décider`));
  }
  for (const [n, part] of fresh.entries()) {
    old[n].replaceWith(part);
    window.htmx?.process(part);
    document.body.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: part } }));
  }
  const words = element("p", { class: "why", role: "status" });
  fresh[0].querySelector(".decide-bar").append(words);
  setTimeout(() => words.append(icon("check-circle"), ` Tout est lu${NB}: vous pouvez décider`), 100); // heard, as it comes after its place
}

function failed(box) {
  if (!box.dataset.viewer) return void box.replaceChildren(notice("warn", "Le document ne s’affiche pas dans cette page", "Il se lit avec une connexion, sur la page du dossier."));
  const show = element("a", { class: "btn btn-line", href: box.dataset.viewer }, icon("file-earmark-pdf"), "Afficher le fichier");
  const keep = element("a", { class: "btn btn-line", href: box.dataset.viewerDownload, download: "" }, icon("download"), "Télécharger le document");
  const words = notice("warn", "Le document ne s’affiche pas dans cette page", "Il est bien enregistré. Ouvrez le fichier, ou téléchargez-le pour le lire.", show, keep);
  words.setAttribute("role", "alert");
  box.classList.remove("is-sized");
  box.replaceChildren(words);
}

export async function startViewer(box, data = null) {
  try {
    await new Viewer(box).open(data);
  } catch {
    failed(box);
  }
}

// Answers in place of a server that does not: a page that says so, never a decision kept for later. NAMED is written above
// by the server: the pages, what they wear, what reads the folders that were taken along, and the mark of all of it.
const KEPT = `cut ${NAMED.mark}`;
const READING = `reading ${NAMED.mark}`; // there as long as something is taken along (carried.js)
const bare = (one) => new Request(one, { credentials: "omit" });

async function keep(name, every) {
  const cache = await caches.open(name);
  await cache.addAll(every.map(bare));
}

let received = null; // what the server has just received: where it is shown (`received`), and what is said where that does not come

const keepReading = () => keep(READING, [NAMED.reading, ...NAMED.read_by]);
const reads = async () => (await caches.keys()).some((one) => one.startsWith("reading "));

self.addEventListener("install", (event) => {
  const every = [keep(KEPT, [...Object.values(NAMED.pages), ...NAMED.files])];
  every.push(reads().then((yes) => yes && keepReading())); // those of the former version go with it
  event.waitUntil(Promise.all(every).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const ours = [KEPT, READING];
  const cleared = caches.keys().then((names) => Promise.all(names.filter((one) => !ours.includes(one)).map((one) => caches.delete(one))));
  event.waitUntil(Promise.all([cleared, self.registration.navigationPreload?.enable(), self.clients.claim()]));
});

// A page that takes a folder along asks for what will read it, and is told once all of it is there.
self.addEventListener("message", (event) => {
  const [port] = event.ports;
  if (event.data?.received) {
    received = event.data;
    port.postMessage(true);
  }
  if (event.data !== "reading") return;
  event.waitUntil(keepReading().then(() => port.postMessage(true), () => port.postMessage(false)));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname } = new URL(request.url);
  if (request.mode === "navigate") {
    // Files leave as the browser sends them: a script in between would hold them whole in memory
    if ((request.headers.get("Content-Type") ?? "").startsWith("multipart/")) return;
    event.respondWith(pathname === NAMED.reading ? reading(event) : opened(event));
  } else if (NAMED.files.includes(pathname) || NAMED.read_by.includes(pathname)) {
    event.respondWith(known(request.url, request));
  }
});

const known = async (url, request) => (await caches.match(url)) ?? fetch(request);

async function reading(event) {
  event.waitUntil(Promise.resolve(event.preloadResponse).catch(() => {})); // asked by the browser already, and of no use
  return (await caches.match(NAMED.reading)) ?? opened(event);
}

async function opened(event) {
  const { request } = event;
  const asks = request.method === "GET";
  // A device that knows that it is not connected does not try: what is said then is sure
  if (!asks && !navigator.onLine) return said("rien");
  const shows = asks && received?.received === request.url.split("#")[0];
  try {
    const answer = (asks && (await event.preloadResponse)) || (await fetch(request));
    if (shows) received = null;
    return answer;
  } catch {
    if (shows && received?.what in NAMED.pages) return said(received.what);
    return said(!asks ? "peut-etre" : (await reads()) ? "page-emporte" : "page");
  }
}

const said = async (what) => (await caches.match(NAMED.pages[what])) ?? Response.error();

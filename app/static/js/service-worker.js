// Answers in place of a server that does not: a page that says so, never a folder nor a decision kept for later. NAMED is
// written above by the server: the pages, what they wear, and the mark of both.
const KEPT = `cut ${NAMED.mark}`;

self.addEventListener("install", (event) => {
  const every = [...Object.values(NAMED.pages), ...NAMED.files].map((one) => new Request(one, { credentials: "omit" }));
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(every)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const cleared = caches.keys().then((names) => Promise.all(names.filter((one) => one !== KEPT).map((one) => caches.delete(one))));
  event.waitUntil(Promise.all([cleared, self.registration.navigationPreload?.enable(), self.clients.claim()]));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate") {
    // Files leave as the browser sends them: a script in between would hold them whole in memory
    if ((request.headers.get("Content-Type") ?? "").startsWith("multipart/")) return;
    event.respondWith(opened(event));
  } else if (NAMED.files.includes(new URL(request.url).pathname)) {
    event.respondWith(caches.match(request.url).then((known) => known ?? fetch(request)));
  }
});

async function opened(event) {
  const { request } = event;
  const asks = request.method === "GET";
  // A device that knows that it is not connected does not try: what is said then is sure
  if (!asks && !navigator.onLine) return said("rien");
  try {
    return (asks && (await event.preloadResponse)) || (await fetch(request));
  } catch {
    return said(asks ? "page" : "peut-etre");
  }
}

const said = async (what) => (await caches.match(NAMED.pages[what])) ?? Response.error();

// Folders taken along, to be read where there is no network: sealed (AES-256-GCM) by a key that is made here, that no script
// can take out of this browser, and that goes with the last of them. Outside of the seal: their numbers, that of the account,
// and when they were last looked at.
const [BASE, FLAG, STATE] = ["carried", "carried", "/emportes/etat"];
const STORES = ["keys", "sealed", "marks"];
const NONCE = 12; // bytes (NIST SP 800-38D)
const SLACK = 120_000; // ms that a clock may be put back without anybody meaning it
const { subtle } = crypto;
export const able = Boolean(subtle && window.indexedDB && window.caches && navigator.serviceWorker && navigator.locks);

// The account that took folders along here, or null.
export const carrier = () => localStorage.getItem(FLAG);

// One window at a time changes what is there: none takes away the key, or what reads, that another is sealing with.
export const alone = (work) => navigator.locks.request(BASE, work);

const settled = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

function base() {
  const request = indexedDB.open(BASE, 1);
  request.onupgradeneeded = () => STORES.forEach((name) => request.result.createObjectStore(name));
  return settled(request);
}

// One transaction: what `work` asks last is what is answered, once all of it is written.
async function within(mode, work) {
  const open = await base();
  open.onversionchange = () => open.close();
  try {
    const turn = open.transaction(STORES, mode);
    const over = new Promise((resolve, reject) => {
      turn.oncomplete = resolve;
      turn.onabort = () => reject(turn.error);
    });
    const request = work(Object.fromEntries(STORES.map((name) => [name, turn.objectStore(name)])));
    await over;
    return request?.result;
  } finally {
    open.close();
  }
}

const ownKey = () => within("readonly", ({ keys }) => keys.get("own"));

// The key, made by the first who takes something along: of two tabs at once, the first one's stays.
async function madeKey() {
  const fresh = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  await within("readwrite", ({ keys }) => {
    const there = keys.get("own");
    there.onsuccess = () => there.result ?? keys.put(fresh, "own");
  });
  return ownKey();
}

const about = (id, part) => new TextEncoder().encode(`${id} ${part}`);

async function sealed(key, id, part, bytes) {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE));
  return { iv, data: await subtle.encrypt({ name: "AES-GCM", iv, additionalData: about(id, part) }, key, bytes) };
}

const coded = (folder) => new TextEncoder().encode(JSON.stringify(folder));

// The bytes of a part of a folder.
export async function opened(id, part) {
  const key = await ownKey();
  const record = await within("readonly", (stores) => stores.sealed.get([id, part]));
  return new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv: record.iv, additionalData: about(id, part) }, key, record.data));
}

// Seals a folder, and its files by part; nothing of it is there if one of them is not.
export async function keepFolder(folder, files) {
  const key = await madeKey();
  const from = Date.now();
  const told = { ...folder, from, until: from + folder.left * 1000 };
  const records = [["folder", await sealed(key, folder.id, "folder", coded(told))]];
  for (const [part, bytes] of files) records.push([part, await sealed(key, folder.id, part, bytes)]);
  localStorage.setItem(FLAG, folder.account); // first: what is sealed is never there without what has it looked at
  await within("readwrite", (stores) => {
    for (const [part, record] of records) stores.sealed.put(record, [folder.id, part]);
    stores.marks.put(from, "seen");
  });
}

const numbers = async () => (await within("readonly", (stores) => stores.sealed.getAllKeys())).filter(([, part]) => part === "folder");

// `away`: how what is sealed by a key that is no more is taken away.
async function folders(away = destroy) {
  const every = [];
  for (const [id, part] of await numbers()) {
    const bytes = await opened(id, part).catch(() => null);
    if (bytes) every.push(JSON.parse(new TextDecoder().decode(bytes)));
    else await away(id);
  }
  return every.sort((one, other) => other.from - one.from);
}

// Takes one folder away; the last takes the key with it.
export const destroy = (id) => alone(() => destroyed(id));

export async function destroyed(id) {
  await within("readwrite", (stores) => stores.sealed.delete(IDBKeyRange.bound([id], [id, []])));
  if (!(await numbers()).length) await allForgotten();
}

// Takes the key away, then all that it sealed, and what read it.
export const forgetAll = () => alone(allForgotten);

async function allForgotten() {
  localStorage.removeItem(FLAG);
  await within("readwrite", (stores) => STORES.forEach((name) => void stores[name].clear()));
  indexedDB.deleteDatabase(BASE);
  for (const name of await caches.keys()) if (name.startsWith("reading ")) await caches.delete(name);
}

// Of a copy of this folder that was taken before: the new one stands in its place. Asked by who is alone.
export async function replaced(url, id) {
  for (const former of await folders(destroyed)) if (former.url === url && former.id < id) await destroyed(former.id);
}

// The folders that may be read now. `back`: the clock was put back, and nothing is shown until the server has been heard.
export async function readable() {
  const now = Date.now();
  const seen = (await within("readonly", ({ marks }) => marks.get("seen"))) ?? 0;
  if (now < seen - SLACK) return { back: true, folders: [] };
  const every = await folders();
  for (const one of every) if (one.until <= now) await destroy(one.id);
  const left = every.filter((one) => one.until > now);
  if (left.length) await within("readwrite", ({ marks }) => marks.put(Math.max(now, seen), "seen"));
  return { back: false, folders: left };
}

// Asks the server which may still be read, and destroys the others; false where it did not answer.
export async function contact(seconds = 10) {
  const every = await folders();
  if (!every.length) return navigator.onLine;
  const headers = { Accept: "application/json", "X-Carried": every.map((one) => one.token).join(",") };
  const signal = AbortSignal.timeout(seconds * 1000);
  const answer = await fetch(STATE, { headers, signal, credentials: "omit", cache: "no-store" }).catch(() => null);
  const said = answer?.ok ? await answer.json().catch(() => null) : null; // of a hotel's own page, nothing is learnt
  if (said?.left?.length !== every.length) return false;
  for (const [n, one] of every.entries()) {
    if (!said.left[n]) await destroy(one.id);
    else await anchored(one, Date.now() + said.left[n] * 1000);
  }
  if (carrier()) await within("readwrite", ({ marks }) => marks.put(Date.now(), "seen"));
  return true;
}

// The server counts what is left: a clock that was wrong meanwhile makes no day longer.
async function anchored(folder, until) {
  if (Math.abs(folder.until - until) < SLACK) return;
  const key = await ownKey();
  if (!key) return;
  const record = await sealed(key, folder.id, "folder", coded({ ...folder, until }));
  await within("readwrite", (stores) => {
    const there = stores.sealed.get([folder.id, "folder"]);
    there.onsuccess = () => there.result && stores.sealed.put(record, [folder.id, "folder"]); // not what went meanwhile
  });
}

// What is typed and not saved yet, kept in this tab: sealed (AES-256-GCM) by a key of the person that only the server's
// pages carry, so that what stays in the storage of a browser is read by nobody else, nor without logging in again.
// Browsers seal in https and on this very machine; elsewhere it is held by the page, in the clear, and gone with it.
const NONCE = 12; // bytes (NIST SP 800-38D)
const { subtle } = crypto;
export const keeps = Boolean(subtle);
const here = new Map(); // where nothing is sealed
let turn = Promise.resolve(); // one change after the other: a sealing that lasts never comes back over a later one

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (raw) => btoa(Array.from(raw, (one) => String.fromCharCode(one)).join(""));
const after = (work) => (turn = turn.then(work, work));

// The page carries the key under a mask, which comes before it and is as long (security.masked).
function key() {
  const seal = document.body.dataset.seal;
  if (!subtle || !seal) return null;
  const said = bytes(seal);
  const half = said.length / 2;
  const own = said.slice(half).map((one, at) => one ^ said[at]);
  return subtle.importKey("raw", own, "AES-GCM", false, ["encrypt", "decrypt"]);
}

// What another person sealed, or a former version wrote in the clear, is of no use here: it goes.
async function opened(name) {
  if (!subtle) return here.get(name) ?? null;
  const [stored, own] = [sessionStorage.getItem(name), await key()];
  if (stored === null || !own) return null;
  try {
    const raw = bytes(stored);
    const about = new TextEncoder().encode(name);
    const plain = await subtle.decrypt({ name: "AES-GCM", iv: raw.slice(0, NONCE), additionalData: about }, own, raw.slice(NONCE));
    return JSON.parse(new TextDecoder().decode(plain));
  } catch {
    sessionStorage.removeItem(name);
    return null;
  }
}

// Keeps these values under a name, beside those that are there already.
export const keep = (name, values) => after(async () => {
  if (!subtle) return void here.set(name, { ...here.get(name), ...values });
  const own = await key();
  if (!own) return;
  const [iv, coder] = [crypto.getRandomValues(new Uint8Array(NONCE)), new TextEncoder()];
  const plain = coder.encode(JSON.stringify({ ...(await opened(name)), ...values }));
  const closed = await subtle.encrypt({ name: "AES-GCM", iv, additionalData: coder.encode(name) }, own, plain);
  sessionStorage.setItem(name, text([...iv, ...new Uint8Array(closed)]));
});

// The values kept under a name, or null.
export const kept = (name) => after(() => opened(name));

// Forgets one name, or all that begin with the kinds given.
export const forget = (name) => after(() => {
  here.delete(name);
  sessionStorage.removeItem(name);
});

export const forgetAll = (...kinds) => forgetFrom(...kinds.map((kind) => `${kind} `));

// Forgets all that begin with these.
export const forgetFrom = (...beginnings) => after(() => {
  for (const name of [...Object.keys(sessionStorage), ...here.keys()]) {
    if (!beginnings.some((one) => name.startsWith(one))) continue;
    here.delete(name);
    sessionStorage.removeItem(name);
  }
});

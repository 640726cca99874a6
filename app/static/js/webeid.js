// A card or a token, through the Web eID extension: it answers messages of this window, asks for the PIN itself, and
// tells neither the PIN nor the key. The messages are those of its version 2 (github.com/web-eid/web-eid.js).
import { KeyRefused, base64, bytesOf } from "./provider.js";
import { holderOf } from "./key.js";

const VERSION = "2.1.0";
const ACK_WITHIN = 1_000; // ms: beyond, nobody listens
const STATUS_WITHIN = 6_000;
const PERSON_WITHIN = 120_000; // a person finds the card and types the PIN
const REASONS = {
  ERR_WEBEID_ACTION_PENDING: "busy",
  ERR_WEBEID_ACTION_TIMEOUT: "slow",
  ERR_WEBEID_USER_TIMEOUT: "slow",
  ERR_WEBEID_USER_CANCELLED: "cancelled",
  ERR_WEBEID_CONTEXT_INSECURE: "insecure",
  ERR_WEBEID_EXTENSION_UNAVAILABLE: "extension",
  ERR_WEBEID_NATIVE_UNAVAILABLE: "native",
  ERR_WEBEID_VERSION_MISMATCH: "version",
  ERR_WEBEID_VERSION_INVALID: "version",
};
let pending = false;

// One question to the extension. Its acknowledgement must come first and soon; then its answer, once.
export async function ask(action, facts = {}, within = PERSON_WITHIN) {
  if (!window.isSecureContext) throw new KeyRefused("insecure");
  if (pending) throw new KeyRefused("busy");
  pending = true;
  let hear, silence, late;
  try {
    return await new Promise((resolve, reject) => {
      const fail = (reason) => reject(new KeyRefused(reason));
      hear = ({ source, origin, data }) => {
        if (source !== window || origin !== window.location.origin) return; // a frame or another window has no say
        if (data?.action === `${action}-ack`) clearTimeout(silence);
        if (data?.action === `${action}-success`) resolve(data);
        if (data?.action === `${action}-failure`) fail(REASONS[data.error?.code] ?? "card");
      };
      window.addEventListener("message", hear);
      silence = setTimeout(fail, ACK_WITHIN, "extension");
      late = setTimeout(fail, within, "slow");
      window.postMessage({ action, libraryVersion: VERSION, ...facts }, window.location.origin);
    });
  } finally {
    window.removeEventListener("message", hear);
    clearTimeout(silence);
    clearTimeout(late);
    pending = false;
  }
}

const OPTIONS = { options: { lang: "fr" } };

// {extension, nativeApp}: their versions, once both have answered.
export async function status() {
  return await ask("web-eid:status", {}, STATUS_WITHIN);
}

// The identity on the card, as provider.js promises it: one question for each document, so one PIN for each.
export async function readCard() {
  const { certificate, supportedSignatureAlgorithms } = await ask("web-eid:get-signing-certificate", OPTIONS);
  if (typeof certificate !== "string" || !Array.isArray(supportedSignatureAlgorithms)) throw new KeyRefused("answer");
  return {
    ...holderOf(der(certificate)),
    certificate: async () => ({ provider: "webeid", certificate, supportedSignatureAlgorithms }),
    sign: async (items) => {
      const signatures = [];
      for (const { id, hash, signatureAlgorithm } of items) {
        const asked = { certificate, hash, hashFunction: signatureAlgorithm.hashFunction, ...OPTIONS };
        const answer = await ask("web-eid:sign", asked);
        if (typeof answer.signature !== "string" || !same(answer.signatureAlgorithm, signatureAlgorithm)) throw new KeyRefused("answer");
        signatures.push({ id, signature: base64(der(answer.signature)), signatureAlgorithm });
      }
      return signatures;
    },
  };
}

function der(text) {
  try {
    return bytesOf(atob(text));
  } catch {
    throw new KeyRefused("answer");
  }
}

function same(one, other) {
  return ["cryptoAlgorithm", "hashFunction", "paddingScheme"].every((name) => one?.[name] === other[name]);
}

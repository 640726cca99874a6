// Opens a PKCS#12 file in the page and keeps only keys that cannot be taken out again.
// Nothing here goes on the network: the caller receives certificates (public) and WebCrypto handles (not exportable).
import { asn1, pki, pkcs12, util } from "../vendor/p12.js";
import { KeyRefused, base64, bytesOf } from "./provider.js";

// Certificates and keys are wanted as the bytes that the file holds, whatever their algorithm: forge hands over the
// ASN.1 of what it cannot read itself, so it is asked to read neither.
const refuse = () => {
  throw new Error("bytes only");
};
pki.certificateFromAsn1 = refuse;
pki.privateKeyFromAsn1 = refuse;

// RFC 8018 takes the password as UTF-8, RFC 7292 as UTF-16: forge only does the second.
const cipherOf = pki.pbe.getCipher;
pki.pbe.getCipher = (oid, params, password) => cipherOf(oid, params, oid === pki.oids.pkcs5PBES2 ? util.encodeUtf8(password) : password);

const RSA = "1.2.840.113549.1.1.1";
const EC = "1.2.840.10045.2.1";
const CURVES = { "1.2.840.10045.3.1.7": ["P-256", 32], "1.3.132.0.34": ["P-384", 48], "1.3.132.0.35": ["P-521", 66] };
const PBMAC1 = "1.2.840.113549.1.5.14";
const COMMON_NAME = "2.5.4.3";

function derOf(node) {
  return bytesOf(asn1.toDer(node).getBytes());
}

function algorithmOf(sequence) {
  const oid = asn1.derToOid(sequence.value[0].value);
  if (oid === RSA) return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  if (oid !== EC || sequence.value[1]?.type !== asn1.Type.OID) throw new KeyRefused("algorithm");
  const curve = CURVES[asn1.derToOid(sequence.value[1].value)];
  if (!curve) throw new KeyRefused("algorithm");
  return { name: "ECDSA", namedCurve: curve[0], hash: "SHA-256", size: curve[1] };
}

function commonName(name) {
  let last = "";
  for (const set of name.value) {
    for (const pair of set.value) {
      const [type, value] = pair.value;
      const text = value.type === asn1.Type.UTF8 ? util.decodeUtf8(value.value) : value.type === asn1.Type.BMPSTRING ? bmp(value.value) : value.value;
      if (asn1.derToOid(type.value) === COMMON_NAME) return text;
      last = text;
    }
  }
  return last;
}

function bmp(binary) {
  let text = "";
  for (let i = 0; i + 1 < binary.length; i += 2) text += String.fromCharCode((binary.charCodeAt(i) << 8) | binary.charCodeAt(i + 1));
  return text;
}

function dateOf(node) {
  return node.type === asn1.Type.UTCTIME ? asn1.utcTimeToDate(node.value) : asn1.generalizedTimeToDate(node.value);
}

// RFC 5280 §4.1: version [0] is optional, then serial, algorithm, issuer, validity, subject, public key.
function readCertificate(node) {
  const parts = node.value[0].value;
  const at = parts[0].tagClass === asn1.Class.CONTEXT_SPECIFIC ? 1 : 0;
  const [, , issuer, validity, subject, spki] = parts.slice(at);
  return {
    der: derOf(node),
    subject: commonName(subject),
    issuer: commonName(issuer),
    subjectDer: asn1.toDer(subject).getBytes(),
    issuerDer: asn1.toDer(issuer).getBytes(),
    notBefore: dateOf(validity.value[0]),
    notAfter: dateOf(validity.value[1]),
    spki,
  };
}

// A certificate belongs to a key when it verifies what the key signs: no attribute of the file needs to be believed.
async function belongs(certificate, key) {
  const probe = crypto.getRandomValues(new Uint8Array(32));
  try {
    const algorithm = algorithmOf(certificate.spki.value[0]);
    if (algorithm.name !== key.algorithm.name || algorithm.namedCurve !== key.algorithm.namedCurve) return false;
    const check = await crypto.subtle.importKey("spki", derOf(certificate.spki), algorithm, false, ["verify"]);
    return await crypto.subtle.verify(key.algorithm, check, await crypto.subtle.sign(key.algorithm, key.handle, probe), probe);
  } catch {
    return false;
  }
}

async function importPrivate(node) {
  const algorithm = algorithmOf(node.value[1]);
  const der = derOf(node);
  try {
    return { algorithm, handle: await crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]) };
  } catch {
    throw new KeyRefused("algorithm");
  } finally {
    der.fill(0);
  }
}

// A file that is no PKCS#12 is told for what it is: people mistake one export of their portal for another.
function read(bytes) {
  if (!bytes.length) throw new KeyRefused("void");
  if (/^\s*-----BEGIN /.test(String.fromCharCode(...bytes.subarray(0, 64)))) throw new KeyRefused("pem");
  let pfx;
  try {
    pfx = asn1.fromDer(util.createBuffer(bytes), { strict: true, parseAllBytes: false });
  } catch {
    throw new KeyRefused("file");
  }
  const first = Array.isArray(pfx.value) ? pfx.value[0] : null;
  if (first?.type === asn1.Type.SEQUENCE && first.constructed && looksLikeCertificate(pfx)) throw new KeyRefused("certificate");
  if (first?.type !== asn1.Type.INTEGER) throw new KeyRefused("file");
  // forge cannot check the MAC of RFC 9579: what is deciphered with a wrong password is no ASN.1 either
  if (pfx.value[2] && macOf(pfx.value[2]) === PBMAC1) pfx.value.length = 2;
  return pfx;
}

// RFC 7292 §4: MacData, DigestInfo, AlgorithmIdentifier, OID.
function macOf(mac) {
  const oid = mac.value[0]?.value[0]?.value[0];
  return oid?.type === asn1.Type.OID ? asn1.derToOid(oid.value) : "";
}

function looksLikeCertificate(node) {
  try {
    return readCertificate(node).notAfter instanceof Date;
  } catch {
    return false;
  }
}

function bags(bytes, password) {
  const pfx = read(bytes);
  // An empty password is written in two ways: two zero bytes, or none at all (RFC 7292 §B.1 says neither).
  for (const said of password ? [password] : ["", undefined]) {
    try {
      return pkcs12.pkcs12FromAsn1(pfx, true, said).safeContents.flatMap((safe) => safe.safeBags);
    } catch (error) {
      const { message } = error;
      if (/unsupported/i.test(message)) throw new KeyRefused("encryption");
      if (/PFX|authSafe|not supported/i.test(message) && !/password/i.test(message)) throw new KeyRefused("file");
    }
  }
  throw new KeyRefused("password");
}

function chainFrom(leaf, certificates) {
  const chain = [];
  let top = leaf;
  while (top.issuerDer !== top.subjectDer) {
    const above = certificates.find((one) => one !== top && one.subjectDer === top.issuerDer && !chain.includes(one));
    if (!above) break;
    chain.push(above);
    top = above;
  }
  return chain;
}

// What the page shows of a certificate (DER), whatever holds its key.
export function holderOf(der) {
  try {
    const { subject, issuer, notBefore, notAfter } = readCertificate(asn1.fromDer(util.createBuffer(der)));
    return { subject, issuer, notBefore, notAfter };
  } catch {
    throw new KeyRefused("answer");
  }
}

// The identities of a file, as provider.js promises them; an RSA key is bound to SHA-256 when it is opened, for a curve
// the server chooses (SHA-384 goes with P-384). The keys cannot be exported; they live as long as the identities.
// `buffer` is wiped. Refuses (KeyRefused): a wrong password, a file that is no PKCS#12, no key in it, an unknown algorithm.
export async function openKeys(buffer, password) {
  if (!globalThis.crypto?.subtle) throw new KeyRefused("insecure");
  const bytes = new Uint8Array(buffer);
  const found = bags(bytes, password);
  bytes.fill(0);
  const certificates = found.filter((bag) => bag.type === pki.oids.certBag && bag.asn1).map((bag) => readCertificate(bag.asn1));
  const privates = found.filter((bag) => bag.type === pki.oids.keyBag || bag.type === pki.oids.pkcs8ShroudedKeyBag);
  if (!privates.length) throw new KeyRefused(certificates.length ? "nokey" : "empty");
  const identities = [];
  let unknown = 0;
  for (const bag of privates) {
    let key;
    try {
      key = await importPrivate(bag.asn1);
    } catch {
      unknown += 1; // a file may hold an encryption key beside the one that signs
      continue;
    } finally {
      delete bag.asn1;
    }
    for (const leaf of certificates) if (await belongs(leaf, key)) identities.push(identity(leaf, key, certificates));
  }
  if (!identities.length) throw new KeyRefused(unknown ? "algorithm" : "nocertificate");
  return identities;
}

function identity(leaf, key, certificates) {
  const { subject, issuer, notBefore, notAfter } = leaf;
  const chain = chainFrom(leaf, certificates).map((one) => base64(one.der));
  return {
    subject,
    issuer,
    notBefore,
    notAfter,
    certificate: async () => ({ provider: "browser", certificate: base64(leaf.der), chain }),
    sign: (items) => Promise.all(items.map(async ({ id, tbs, algorithm }) => ({ id, signature: base64(await signed(key, bytesOf(atob(tbs)), algorithm?.hash)) }))),
  };
}

async function signed({ algorithm, handle }, data, hash = "SHA-256") {
  const raw = new Uint8Array(await crypto.subtle.sign({ ...algorithm, hash }, handle, data));
  return algorithm.name === "ECDSA" ? derSignature(raw, algorithm.size) : raw;
}

// WebCrypto gives r‖s; a CMS wants SEQUENCE { INTEGER r, INTEGER s } (RFC 3279 §2.2.3).
function derSignature(raw, size) {
  const integer = (part) => {
    let at = 0;
    while (at < part.length - 1 && part[at] === 0) at += 1;
    const value = part[at] & 0x80 ? [0, ...part.slice(at)] : [...part.slice(at)];
    return [0x02, value.length, ...value];
  };
  const body = [...integer(raw.slice(0, size)), ...integer(raw.slice(size))];
  return Uint8Array.from(body.length < 0x80 ? [0x30, body.length, ...body] : [0x30, 0x81, body.length, ...body]);
}

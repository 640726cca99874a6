// What every place where a key lives promises to the sign dialog, and the sentences of what goes wrong there.
//
// A provider gives identities: {subject, issuer, notBefore, notAfter, certificate(), sign(items)}.
//   certificate() → Promise of what « prepare » is sent: {provider, certificate, …}, texts in base64.
//   sign(items) → Promise of [{id, signature, …}], one for each item {id, tbs, hash, algorithm…}, in base64.
//   routes, for a key whose signatures reach the server by themselves: its own addresses of « prepare » and « complete ».
// What cannot be done throws KeyRefused, whose reason is a key of REFUSALS.
import { NB } from "./words.js";

const NOTHING = `Rien n’a été signé${NB}: `;
const ASK_FOR_P12 = "Choisissez le fichier .p12 ou .pfx remis par votre autorité de certification.";

export const REFUSALS = {
  password: ["le mot de passe n’ouvre pas ce certificat", "Vérifiez la touche majuscules. Ce mot de passe est celui du fichier .p12, pas celui de Paraphe. Les essais ne sont pas limités."],
  file: ["ce fichier n’est pas un certificat .p12 ou .pfx lisible", "Choisissez le fichier remis par votre autorité de certification, ou demandez-lui de vous le remettre au format PKCS#12."],
  void: ["ce fichier est vide", "Copiez-le de nouveau depuis son support d’origine, puis choisissez-le."],
  pem: ["ce fichier est au format PEM, pas au format .p12", ASK_FOR_P12],
  certificate: ["ce fichier est un certificat public, sans sa clé", ASK_FOR_P12],
  nokey: ["ce fichier contient un certificat, mais pas sa clé privée", "Exportez à nouveau votre certificat avec sa clé privée, puis choisissez ce nouveau fichier."],
  nocertificate: ["ce fichier contient une clé, mais pas son certificat", "Exportez à nouveau votre certificat avec sa clé privée, puis choisissez ce nouveau fichier."],
  empty: ["ce fichier ne contient ni clé ni certificat", ASK_FOR_P12],
  encryption: ["ce fichier est protégé par une méthode que cette page ne sait pas lire", "Exportez à nouveau votre certificat en choisissant la protection AES-256, puis choisissez ce nouveau fichier."],
  algorithm: ["la clé de ce certificat n’est pas d’un type que cette page sait utiliser", "Les clés RSA et les courbes P-256, P-384 et P-521 sont acceptées."],
  insecure: ["cette page n’est pas ouverte par une adresse sûre", "Ouvrez Paraphe par son adresse en https, puis recommencez."],
  extension: ["l’extension Web eID n’a pas répondu dans ce navigateur", "Installez-la ou activez-la, rechargez la page, puis recommencez. « Ma carte n’est pas vue » vous aide à trouver ce qui manque."],
  native: ["le programme Web eID n’a pas répondu sur cet ordinateur", "Installez-le depuis web-eid.eu, redémarrez le navigateur, puis recommencez."],
  version: ["l’extension et le programme Web eID ne sont pas de la même version", "Mettez les deux à jour, redémarrez le navigateur, puis recommencez."],
  cancelled: ["vous avez annulé la demande de la carte", "Recommencez quand vous le souhaitez."],
  slow: ["la carte n’a pas répondu à temps", "Vérifiez qu’elle est bien insérée, puis recommencez."],
  busy: ["une autre demande est déjà en cours auprès de la carte", "Terminez-la ou annulez-la dans la fenêtre de Web eID, puis recommencez."],
  card: ["la carte n’a pas pu répondre", "Retirez-la, remettez-la, puis recommencez. « Ma carte n’est pas vue » vous aide à trouver ce qui manque."],
  unproven: ["vous n’avez pas confirmé que c’est vous", "Recommencez quand vous le souhaitez."],
  given: ["vous avez renoncé à donner votre accord", "Recommencez quand vous le souhaitez."],
  answer: ["la carte a répondu autre chose que ce qui lui était demandé", "Recommencez. Si cela se répète, choisissez un autre certificat."],
};
for (const said of Object.values(REFUSALS)) said[0] = NOTHING + said[0];

export class KeyRefused extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

export function bytesOf(binary) {
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

export function base64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

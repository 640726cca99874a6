// Verifies every signature of one XML file with xmldsigjs; prints one « true » or « false » for each.
import { readFileSync } from "node:fs";
import { DOMImplementation, DOMParser, XMLSerializer } from "@xmldom/xmldom";
import * as XmlCore from "xml-core";
import * as XmlDSig from "xmldsigjs";
import xpath from "xpath";

XmlCore.setNodeDependencies({ DOMParser, XMLSerializer, DOMImplementation, xpath });
XmlDSig.Application.setEngine("node", globalThis.crypto);
// ISO-8859-1, byte for byte: TextDecoder would read windows-1252
const text = readFileSync(process.argv[2]).toString("latin1");
const parsed = new DOMParser().parseFromString(text, "application/xml");
const signatures = Array.from(parsed.getElementsByTagNameNS("http://www.w3.org/2000/09/xmldsig#", "Signature"));
for (let n = 0; n < signatures.length; n++) {
  const document = new DOMParser().parseFromString(text, "application/xml");
  const all = document.getElementsByTagNameNS("http://www.w3.org/2000/09/xmldsig#", "Signature");
  const signed = new XmlDSig.SignedXml(document);
  signed.LoadXml(all[n]);
  console.log(await signed.Verify());
}

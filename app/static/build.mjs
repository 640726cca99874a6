// Rebuilds app/static/vendor from the packages that package-lock.json pins, byte for byte the same each time.
// Run by `make assets` (npm ci && node app/static/build.mjs); the result is committed, so nobody needs Node to run Paraphe.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "..", "..", "node_modules");
const vendor = join(here, "vendor");

// Every icon that a page, a macro, a script or a family's `icon` may name.
const ICONS = `
  archive arrow-clockwise arrow-counterclockwise arrow-down arrow-left arrow-repeat arrow-return-left arrow-right
  arrow-right-circle arrow-up bank bell bounding-box box-arrow-in-down box-arrow-right box-arrow-up-right briefcase
  building calendar-check calendar-event calendar3 cart cash-stack chat-left-text check-circle check-circle-fill
  check-lg check2 check2-circle chevron-down chevron-left chevron-right chevron-up circle clipboard clock
  clock-history cloud-arrow-up cloud-check copy diagram-3 display download envelope envelope-check envelope-exclamation
  envelope-paper exclamation-circle exclamation-circle-fill exclamation-triangle eye eye-slash file-earmark
  file-earmark-arrow-up file-earmark-check file-earmark-code file-earmark-image file-earmark-lock file-earmark-pdf
  file-earmark-plus file-earmark-ruled file-earmark-text file-earmark-x file-earmark-zip files filetype-xml flag
  folder2 folder2-open gear globe grip-vertical hash heart-pulse hourglass-split house inbox info-circle journal-text key laptop
  link-45deg list list-check list-ol lock megaphone moon-stars paperclip patch-check patch-exclamation patch-question
  pause pen pencil people person person-badge person-check person-lines-fill person-x play plus-lg printer
  question-circle question-circle-fill receipt save search send send-check send-exclamation shield-check
  shield-exclamation shield-lock signpost-split slash-circle sliders star star-fill sticky sun tag three-dots tools trash3 unlock upload x
  x-circle x-lg zoom-in zoom-out`.split(/\s+/).filter(Boolean);

const PACKAGES = [
  ["bootstrap", "feuille de style de base"],
  ["bootstrap-icons", "dessins réunis dans icons.svg"],
  ["htmx.org", "fragments de page"],
  ["pdfjs-dist", "affichage des PDF"],
  ["node-forge", "lecture des fichiers PKCS#12 (p12.js)"],
  ["@fontsource-variable/atkinson-hyperlegible-next", "police de caractères"],
];

function copy(from, to, { text = true } = {}) {
  const target = join(vendor, to);
  mkdirSync(dirname(target), { recursive: true });
  if (!text) return cpSync(join(modules, from), target, { recursive: true });
  // A comment naming a source map that is not shipped makes browsers ask for it.
  const clean = readFileSync(join(modules, from), "utf8").replace(/\n?(\/\/|\/\*)# sourceMappingURL=[^\n]*\n?/g, "\n");
  writeFileSync(target, clean);
}

function sprite() {
  const symbols = ICONS.map((name) => {
    const svg = readFileSync(join(modules, "bootstrap-icons", "icons", `${name}.svg`), "utf8");
    const body = svg.replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").replace(/\s*\n\s*/g, "");
    return `<symbol id="${name}" viewBox="0 0 16 16">${body}</symbol>`;
  });
  writeFileSync(join(vendor, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);
}

async function pkcs12() {
  // Only what opens a PKCS#12 file: containers, ciphers, digests. No TLS, no HTTP, no key generation of our own.
  await build({
    stdin: {
      contents: `import forge from "node-forge/lib/forge.js";
        import "node-forge/lib/sha1.js"; import "node-forge/lib/sha256.js"; import "node-forge/lib/sha512.js";
        import "node-forge/lib/md5.js"; import "node-forge/lib/pki.js"; import "node-forge/lib/pkcs12.js";
        export const { asn1, pki, pkcs12, util } = forge;`,
      resolveDir: join(here, "..", ".."),
    },
    bundle: true, minify: true, format: "esm", platform: "browser", target: "es2020",
    define: { global: "globalThis" }, legalComments: "none", outfile: join(vendor, "p12.js"), logLevel: "warning",
  });
}

function licences() {
  mkdirSync(join(vendor, "licences"), { recursive: true });
  const rows = PACKAGES.map(([name, use]) => {
    const about = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
    const file = `licences/${name.split("/").pop()}.txt`;
    copy(join(name, "LICENSE"), file);
    return `| ${name} | ${about.version} | ${about.license} | ${use} | [texte](${file}) |`;
  });
  writeFileSync(join(vendor, "LICENCES.md"), `# Composants d’autrui servis aux navigateurs

Écrit par \`app/static/build.mjs\` ; versions fixées par \`package-lock.json\`, empreintes dans \`SHA256SUMS\`.

| composant | version | licence | usage | licence |
|---|---|---|---|---|
${rows.join("\n")}

pdf.js apporte aussi les polices de remplacement Foxit et Liberation et le décodeur OpenJPEG ; leurs licences sont à côté d’eux, dans \`pdfjs/\`.
`);
}

function walk(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((one) => (one.isDirectory() ? walk(join(folder, one.name)) : [join(folder, one.name)]))
    .sort();
}

function sums() {
  const lines = walk(vendor).map((file) => {
    const digest = createHash("sha256").update(readFileSync(file)).digest("hex");
    return `${digest}  ${relative(vendor, file).split("\\").join("/")}`;
  });
  writeFileSync(join(vendor, "SHA256SUMS"), `${lines.join("\n")}\n`);
}

rmSync(vendor, { recursive: true, force: true });
mkdirSync(vendor, { recursive: true });
copy("bootstrap/dist/css/bootstrap.min.css", "bootstrap.min.css");
copy("htmx.org/dist/htmx.min.js", "htmx.min.js");
for (const range of ["latin", "latin-ext"]) {
  const name = `atkinson-hyperlegible-next-${range}-wght-normal.woff2`;
  copy(`@fontsource-variable/atkinson-hyperlegible-next/files/${name}`, `fonts/${name}`, { text: false });
}
copy("pdfjs-dist/legacy/build/pdf.min.mjs", "pdfjs/pdf.min.js");
copy("pdfjs-dist/legacy/build/pdf.worker.min.mjs", "pdfjs/pdf.worker.min.js");
for (const folder of ["cmaps", "standard_fonts"]) copy(`pdfjs-dist/${folder}`, `pdfjs/${folder}`, { text: false });
// The page allows no WebAssembly: pdf.js falls back on this decoder for JPEG 2000, and on its own for JBIG2.
for (const name of ["openjpeg_nowasm_fallback.js", "LICENSE_OPENJPEG", "LICENSE_PDFJS_OPENJPEG"]) {
  copy(`pdfjs-dist/wasm/${name}`, `pdfjs/wasm/${name}`);
}
sprite();
await pkcs12();
licences();
sums();

// Bundles the third-party code of the inspector page: `npm ci --prefix .vendor && npm run build --prefix .vendor`.
// The same lock file gives the same bytes; their SHA-256 stand in server/web/vendor/sums.json.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "server", "web", "vendor");

const BUNDLES = {
  "dagre.js": `import dagre from "@dagrejs/dagre"; export const { graphlib, layout } = dagre;`,
  "uplot.js": `export { default } from "uplot";`,
  "codemirror.js": `
    export { EditorState, Compartment, StateEffect, StateField, RangeSet } from "@codemirror/state";
    export { EditorView, keymap, lineNumbers, highlightActiveLine, highlightActiveLineGutter, drawSelection, highlightSpecialChars, Decoration, gutter, GutterMarker } from "@codemirror/view";
    export { syntaxHighlighting, HighlightStyle, indentOnInput, bracketMatching, foldGutter, foldKeymap, indentUnit } from "@codemirror/language";
    export { tags } from "@lezer/highlight";
    export { yaml } from "@codemirror/lang-yaml";
    export { autocompletion, completionKeymap, startCompletion, closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
    export { lintGutter, setDiagnostics, lintKeymap, diagnosticCount, nextDiagnostic } from "@codemirror/lint";
    export { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
    export { searchKeymap, highlightSelectionMatches, search } from "@codemirror/search";`,
};

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const sums = {};
const used = new Set();

for (const [name, contents] of Object.entries(BUNDLES)) {
  const result = await build({
    stdin: { contents, resolveDir: here, loader: "js" },
    bundle: true, minify: true, format: "esm", target: "es2022", charset: "utf8", legalComments: "none",
    write: false, metafile: true, logLevel: "warning", absWorkingDir: here,
  });
  for (const file of Object.keys(result.metafile.inputs)) {
    const found = file.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (found) used.add(found[1]);
  }
  keep(name, result.outputFiles[0].contents);
}
keep("uplot.css", readFileSync(join(here, "node_modules/uplot/dist/uPlot.min.css")));
keep("LICENSES.txt", Buffer.from(licences()));
writeFileSync(join(out, "sums.json"), JSON.stringify(sums, null, 1) + "\n");

function keep(name, bytes) {
  writeFileSync(join(out, name), bytes);
  sums[name] = createHash("sha256").update(bytes).digest("hex");
}

/** Every bundled package with its version and the licence it came with. */
function licences() {
  const parts = [];
  for (const name of [...used].sort()) {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(folder, file), "utf8").trim() : "";
    parts.push(`${name} ${version} (${license})\n\n${text}`);
  }
  return parts.join("\n\n" + "-".repeat(72) + "\n\n") + "\n";
}

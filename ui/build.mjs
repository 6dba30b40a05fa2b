// Builds src/ into app/ui/static: hashed files, index.html that names them, the licences of what
// is bundled, and build.json, by which a test tells whether the build belongs to the source.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "..", "app", "ui", "static");

const sha256 = (data) => createHash("sha256").update(data).digest("hex");

/** Every browser that runs this page takes WOFF2; the other formats stay out of the build. */
const woff2Only = {
  name: "woff2-only",
  setup(plugins) {
    plugins.onLoad({ filter: /katex\.css$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\([^)]*\)/g, ""),
      loader: "css",
    }));
  },
};

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

/** The same sum is made in tests/ui/test_build.py: of each file's name and its own sum, by name. */
function sourceSum() {
  const files = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json"].map((name) => join(here, name));
  const named = [...files, ...filesUnder(join(here, "src"))].map((path) => [
    relative(here, path).split(sep).join("/"),
    sha256(readFileSync(path)),
  ]);
  named.sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(named.map(([name, sum]) => `${name} ${sum}\n`).join(""));
}

function licences(inputs) {
  const folders = new Set();
  for (const input of Object.keys(inputs)) {
    const found = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) folders.add(found[1]);
  }
  return [...folders].sort().map((name) => {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} brings no licence text`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
}

const result = await build({
  absWorkingDir: here,
  entryPoints: ["src/main.tsx"],
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".woff2": "file" },
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  legalComments: "none",
  minify: true,
  metafile: true,
  outdir: out,
  plugins: [woff2Only],
  write: false,
});

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const made = {};
const write = (name, data) => {
  writeFileSync(join(out, name), data);
  made[name] = sha256(data);
};
for (const file of result.outputFiles) write(basename(file.path), file.contents);
const named = (pattern) => Object.keys(made).find((name) => pattern.test(name));
const page = readFileSync(join(here, "src", "index.html"), "utf8")
  .replace("{{script}}", named(/^main-.*\.js$/))
  .replace("{{style}}", named(/^main-.*\.css$/));
write("index.html", page);
write("icon.svg", readFileSync(join(here, "src", "icon.svg")));
write("LICENSES.txt", licences(result.metafile.inputs).join(`\n${"-".repeat(79)}\n\n`));
const files = Object.fromEntries(Object.entries(made).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(join(out, "build.json"), `${JSON.stringify({ source: sourceSum(), files }, null, 1)}\n`);
const bytes = Object.keys(files).reduce((sum, name) => sum + statSync(join(out, name)).size, 0);
console.log(`${Object.keys(files).length} files, ${Math.round(bytes / 1024)} KiB`);

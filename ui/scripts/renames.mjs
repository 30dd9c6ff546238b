/**
 * Shows that the contract between server and page holds: of each model in the generated schema, one field after the
 * other gets a new name, in memory, until the type check of the page fails. A model for which it never fails is an
 * error, unless it stands in `UNREAD` with the reason. Run by `npm run renames`.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { svelte2tsx } from "svelte2tsx";
import ts from "typescript";

const UI = fileURLToPath(new URL("..", import.meta.url));
const SCHEMA = path.join(UI, "src/api/schema.gen.ts");
/** What a component is called once it is TypeScript. */
const AS_SCRIPT = ".component.ts";

const REMOTE = "for programs: `compress_compare.remote` logs and reads with them";
/** Models that the page does not look into, and why. */
const UNREAD = {
  CallResult: REMOTE,
  Digests: REMOTE,
  FrontierAnswer: "for scripts: the page finds the frontier of what it shows itself",
  Greeting: REMOTE,
  Health: "for whoever watches over the server",
  Missing: REMOTE,
  ModelPage: "for scripts: the page reads all models as a stream",
  ModelRow: "for scripts: the page reads all models as a stream",
  OperationUse: "for scripts: the page counts the operations of the models that it has",
  OverlayAnswer: "the page saves it as a file for Model Explorer",
  OverlayStop: "the page saves it as a file for Model Explorer",
  OverlayValue: "the page saves it as a file for Model Explorer",
  PairRow: "for scripts: the page compares models with their base",
  RemoteCall: REMOTE,
  Uploaded: REMOTE,
};

const { options, fileNames } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(path.join(UI, "tsconfig.json"), ts.sys.readFile).config,
  ts.sys,
  UI,
);
const components = ts.sys.readDirectory(path.join(UI, "src"), [".svelte"]);
const shims = ["svelte-shims-v4.d.ts", "svelte-jsx-v4.d.ts"].map((name) =>
  path.join(UI, "node_modules/svelte2tsx", name),
);

const texts = new Map();
const sources = new Map();

function textOf(file) {
  if (!texts.has(file)) texts.set(file, file.endsWith(AS_SCRIPT) ? scriptOf(file) : ts.sys.readFile(file));
  return texts.get(file);
}

function scriptOf(file) {
  const filename = file.slice(0, -AS_SCRIPT.length);
  const content = readFileSync(filename, "utf-8");
  return svelte2tsx(content, { filename, isTsFile: /<script[^>]*lang="ts"/.test(content), mode: "ts", version: "5" })
    .code;
}

function sourceOf(file) {
  if (!sources.has(file)) {
    const text = textOf(file);
    sources.set(file, text === undefined ? undefined : ts.createSourceFile(file, text, options.target, true));
  }
  return sources.get(file);
}

function resolve(name, from) {
  const file = name.startsWith("@/") ? path.join(UI, "src", name.slice(2)) : path.resolve(path.dirname(from), name);
  // `x.svelte` may also be the module `x.svelte.ts`
  if (!name.endsWith(".svelte") || !existsSync(file)) {
    return ts.resolveModuleName(name, from, options, host, cache).resolvedModule;
  }
  return { resolvedFileName: file + AS_SCRIPT, extension: ts.Extension.Ts, isExternalLibraryImport: false };
}

const host = ts.createCompilerHost(options);
const cache = ts.createModuleResolutionCache(UI, (name) => name, options);
host.getCurrentDirectory = () => UI;
host.getSourceFile = sourceOf;
host.fileExists = (file) => file.endsWith(AS_SCRIPT) || ts.sys.fileExists(file);
host.resolveModuleNameLiterals = (names, from) => names.map((name) => ({ resolvedModule: resolve(name.text, from) }));

const rootNames = [...fileNames, ...components.map((file) => file + AS_SCRIPT), ...shims];
const unchanged = ts.createProgram({ rootNames, options, host });
const own = unchanged
  .getSourceFiles()
  .map((file) => file.fileName)
  .filter((file) => file.startsWith(path.join(UI, "src")) && file !== SCHEMA);

/** Where a file has problems, and which. */
function problemsOf(program, file) {
  const found = program.getSemanticDiagnostics(program.getSourceFile(file));
  return new Set(found.map((problem) => `${problem.start} ${problem.code}`));
}

const known = new Map();
/** What svelte-check passes over, as there is always some in generated scripts. */
function problemsBefore(file) {
  if (!known.has(file)) known.set(file, problemsOf(unchanged, file));
  return known.get(file);
}

/** The models of the schema: names, and of each the places of the names of its fields. */
function modelsOf(schema) {
  const member = (list, wanted) => list.find((one) => one.name?.text === wanted);
  const block = schema.statements.find((one) => ts.isInterfaceDeclaration(one) && one.name.text === "components");
  return member(block.members, "schemas").type.members.flatMap((model) =>
    model.type && ts.isTypeLiteralNode(model.type)
      ? [
          {
            name: model.name.text,
            fields: model.type.members.flatMap((field) => (field.name?.text ? [field.name] : [])),
          },
        ]
      : [],
  );
}

const schemaText = textOf(SCHEMA);
const models = modelsOf(sourceOf(SCHEMA));

const mentions = new Map();
/** The files of the page in which a word occurs. */
function filesWith(word) {
  if (!mentions.has(word)) {
    const pattern = new RegExp(`\\b${word}\\b`);
    const found = own.filter((file) => pattern.test(textOf(file)));
    mentions.set(word, found);
  }
  return mentions.get(word);
}

let program = unchanged;
/** The first of some files that has new problems when these fields have other names; undefined if none has. */
function failing(fields, files) {
  let changed = schemaText;
  for (const field of [...fields].sort((one, other) => other.getStart() - one.getStart())) {
    changed = `${changed.slice(0, field.getStart())}renamed_${field.text}${changed.slice(field.getEnd())}`;
  }
  sources.set(SCHEMA, ts.createSourceFile(SCHEMA, changed, options.target, true));
  program = ts.createProgram({ rootNames, options, host, oldProgram: program });
  return files.find((file) => {
    const problems = [...problemsOf(program, file)];
    return problems.length > 0 && problems.some((problem) => !problemsBefore(file).has(problem));
  });
}

/** The first field of a model whose new name makes the check fail. */
function noticed({ name, fields }) {
  const near = (file) => (textOf(file).includes(`"${name}"`) ? 0 : file.includes("/api/") ? 1 : 2);
  const byRarity = [...fields].sort((one, other) => filesWith(one.text).length - filesWith(other.text).length);
  return byRarity.find((field) => {
    const files = [...new Set([...filesWith(field.text), ...own.filter((file) => near(file) === 0)])];
    files.sort((one, other) => near(one) - near(other));
    tried += files.length > 0 ? 1 : 0;
    return files.length > 0 && failing([field], files);
  });
}

let tried = 0;
const failures = [];
const read = models.filter(({ name }) => !(name in UNREAD));
const unread = models.filter(({ name }) => name in UNREAD);
for (const model of read) {
  if (!noticed(model)) failures.push(`${model.name}: no new name of a field is noticed`);
}
const reader = failing(
  unread.flatMap(({ fields }) => fields),
  own,
);
if (reader) failures.push(`${reader} reads a model that is said not to be read`);
for (const listed of Object.keys(UNREAD)) {
  if (!models.some(({ name }) => name === listed)) failures.push(`${listed} is no model of the schema`);
}
process.stdout.write(`${read.length} models are read, ${unread.length} are not; ${tried} renames\n`);
if (failures.length > 0) {
  process.stdout.write(`${failures.join("\n")}\n`);
  process.exitCode = 1;
}

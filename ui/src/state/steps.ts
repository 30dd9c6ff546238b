/** What was done to models in few words, and their names by what differs in it. */
import { apartAt, formatParameter, shortenApart } from "@/format";
import type { Json } from "@/api/json";
import type { ModelTable } from "./table";

const LONGEST = 18;
/** Words for operations that are so common that everybody knows them short. */
const SHORT: Readonly<Record<string, string>> = { finetune: "ft", "fine-tune": "ft", finetuning: "ft" };
/** Of more models, names are not looked at once more for each length. */
const MOST_BRIEF = 1000;

/** Short forms of words that everybody in the field reads, for where a name has little room. */
const BRIEF: Readonly<Record<string, string>> = {
  magnitude: "mag",
  gradient: "grad",
  random: "rand",
  structured: "struct",
  quantize: "quant",
  palettize: "pal",
  calibrate: "calib",
  factorize: "fact",
  epoch: "ep",
  epochs: "ep",
  bit: "b",
  bits: "b",
};

/** A step with its words in their short forms: `quantize 4 bits` is `w4`, `quantize static` is `static`. */
function brief(step: string): string {
  const weights = /^quantize (\d+) bits?$/.exec(step);
  if (weights) return `w${weights[1]!}`;
  return step.replace(/^quantize (?=static)/, "").replace(/[a-z]+/g, (word) => BRIEF[word] ?? word);
}

/** One label per model, "" where its operation always has the same parameters. */
export function stepLabels(table: ModelTable): string[] {
  const varying = varyingParameters(table);
  const known = new Map<Record<string, Json>, Map<string, string>>();
  return table.parameters.map((parameters, i) => {
    const operation = table.operation[i];
    if (operation == null) return "";
    const byOperation = known.get(parameters) ?? new Map<string, string>();
    known.set(parameters, byOperation);
    let label = byOperation.get(operation);
    if (label === undefined) byOperation.set(operation, (label = stepLabel(parameters, varying.get(operation)!)));
    return label;
  });
}

/**
 * The parameters of each operation that do not have the same value wherever it was applied. An operation with one
 * number as its only parameter is always told by it, unless it is one of those that are told short.
 */
export function varyingParameters(
  table: ModelTable,
  rows: Iterable<number> = table.ids.keys(),
): Map<string, Set<string>> {
  const varying = new Map<string, Set<string>>();
  const distinct = new Map<string, Set<Record<string, Json>>>();
  for (const i of rows) {
    const operation = table.operation[i] ?? "original";
    const set = distinct.get(operation) ?? new Set();
    distinct.set(operation, set.add(table.parameters[i]!));
  }
  for (const [operation, set] of distinct) {
    const values = new Map<string, string>();
    const found = new Set<string>();
    varying.set(operation, found);
    const keys = new Set([...set].flatMap((parameters) => Object.keys(parameters)));
    const [only] = [...set];
    const said = !(operation in SHORT) && keys.size === 1;
    if (said && Object.values(only!).every((value) => typeof value === "number")) found.add([...keys][0]!);
    for (const parameters of set) {
      for (const key of keys) {
        const text = JSON.stringify(parameters[key]) ?? "";
        if (values.has(key) && values.get(key) !== text) found.add(key);
        values.set(key, text);
      }
    }
  }
  return varying;
}

function stepLabel(parameters: Record<string, Json>, varying: Set<string>): string {
  const words: string[] = [];
  for (const [key, value] of Object.entries(parameters)) {
    if (!varying.has(key) || value === null || typeof value === "object") continue;
    words.push(parameterWords(key, value));
    if (words.join(", ").length > LONGEST) return words.length > 1 ? words.slice(0, -1).join(", ") : words[0]!;
  }
  return words.join(", ");
}

/** A whole number of something is said with its name (`4 bits`), yes and no only by the name. */
function parameterWords(key: string, value: string | number | boolean): string {
  const name = key.replaceAll("_", " ");
  if (typeof value === "boolean") return value ? name : `not ${name}`;
  const text = formatParameter(value);
  if (!Number.isInteger(value) || !/[a-z]s$/.test(name)) return text;
  return `${text} ${value === 1 ? name.replace(/(?<=ch|sh|x|ss)es$|s$/, "") : name}`;
}

/** An operation without the word that sets it apart from others of its kind, where only one of the kind is shown. */
function shortOperation(name: string, shown: ReadonlySet<string>): string {
  const kind = name.slice(name.lastIndexOf(" ") + 1);
  const alike = [...shown].filter((other) => other === kind || other.endsWith(` ${kind}`));
  return SHORT[name] ?? (kind === "prune" && alike.length === 1 ? kind : name);
}

/**
 * Names of models by how their paths differ from the nearest model that all come from: `prune 0.7 → ft`. That model,
 * and each one that nothing was done to, goes by its id, also in a path; where two names are equal, ids are added.
 */
export function pathNames(
  table: ModelTable,
  rows: readonly number[],
  said: (step: string) => string = (step) => step,
): Map<number, string> {
  const paths = new Map(rows.map((row) => [row, pathOf(table, row)]));
  const shared = sharedLength([...paths.values()]);
  const operations = new Set([...paths.values()].flatMap((path) => path.map((row) => table.operation[row] ?? "")));
  const word = wordsOf(table, new Set([...paths.values()].flatMap((path) => path.slice(shared))), operations);
  const name = (row: number): string => (isUnmade(table, row) ? table.ids[row]! : said(word(row)));
  const names = new Map<number, string>();
  for (const [row, path] of paths) {
    const own = path.slice(shared);
    names.set(row, own.length === 0 ? table.ids[row]! : own.map(name).join(" → "));
  }
  const counts = new Map<string, number>();
  for (const name of names.values()) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const [row, name] of names) {
    if (counts.get(name)! > 1 && name !== table.ids[row]) names.set(row, `${name} (${table.ids[row]!})`);
  }
  return names;
}

/** Whether nobody said by what a model was made. */
const isUnmade = (table: ModelTable, row: number): boolean =>
  table.base[row]! < 0 || (table.operation[row] ?? null) === null;

/**
 * What models are called in a sentence: by all that was done since the root, in the words that tell it from what was
 * done to any other model; roots, and all where ids are asked for, by their ids.
 */
export function wholeNames(table: ModelTable, byId: boolean): (row: number) => string {
  if (byId) return (row) => table.ids[row]!;
  const all = [...table.ids.keys()];
  let word: ((row: number) => string) | null = null;
  return (row) => {
    word ??= wordsOf(table, new Set(all), new Set(table.operation.map((name) => name ?? "")));
    const steps = pathOf(table, row).slice(1);
    const name = (step: number): string => (isUnmade(table, step) ? table.ids[step]! : word!(step));
    return steps.length === 0 ? table.ids[row]! : steps.map(name).join(" → ");
  };
}

/**
 * The names of models by how they were made, or by their ids where these are asked for, each in at most so many
 * characters and apart from all others. What cannot be said so goes by its id.
 */
export function namesWithin(
  table: ModelTable,
  rows: readonly number[],
  { byId, limit }: { byId: boolean; limit: number },
): Map<number, string> {
  const at = namesOf(table, rows, byId);
  return new Map(rows.map((row, k) => [row, at(limit)[k]!]));
}

/** Whether a name that an id was added to is cut: then the id alone says more. */
const isCut = (name: string, whole: string): boolean => whole.endsWith(")") && name !== whole;

/** The same for several limits, each worked out once; in the order of the rows. */
export function namesOf(
  table: ModelTable,
  rows: readonly number[],
  byId: boolean,
): (limit: number) => readonly string[] {
  const ids = rows.map((row) => table.ids[row]!);
  const idsAt = apartAt(ids);
  if (byId) return idsAt;
  const listed = (names: Map<number, string>): string[] => rows.map((row) => names.get(row)!);
  const paths = listed(pathNames(table, rows));
  const pathsAt = apartAt(paths);
  let briefly: string[] | null = null;
  /** Those that are too long in short words, unless one would then be called as another one is, or they are many. */
  const worded = (limit: number): string[] => {
    if (rows.length > MOST_BRIEF || paths.every((path) => path.length <= limit)) return paths;
    const short = (briefly ??= listed(pathNames(table, rows, brief)));
    const mixed = paths.map((path, k) => (path.length <= limit ? path : short[k]!));
    return new Set(mixed).size === new Set(paths).size ? mixed : paths;
  };
  const known = new Map<number, readonly string[]>();
  return (limit) => {
    let names = known.get(limit);
    if (!names) {
      const whole = worded(limit);
      const short = whole === paths ? pathsAt(limit) : shortenApart(whole, limit);
      const isId = (name: string, k: number): boolean => name.length > limit || isCut(name, whole[k]!);
      names = short.some(isId) ? short.map((name, k) => (isId(name, k) ? idsAt(limit)[k]! : name)) : short;
      known.set(limit, names);
    }
    return names;
  };
}

/** What was done to make a model, in the words that tell the steps of some models apart; each worked out once. */
function wordsOf(table: ModelTable, steps: ReadonlySet<number>, shown: ReadonlySet<string>): (row: number) => string {
  const varying = varyingParameters(table, steps);
  const known = new Map<string, Map<Record<string, Json>, string>>();
  const short = new Map([...shown].map((name) => [name, shortOperation(name, shown)]));
  return (row) => {
    const name = table.operation[row] ?? "original";
    const parameters = table.parameters[row]!;
    const words = known.get(name) ?? new Map<Record<string, Json>, string>();
    known.set(name, words);
    let text = words.get(parameters);
    if (text === undefined) {
      const label = stepLabel(parameters, varying.get(name)!);
      words.set(parameters, (text = [short.get(name) ?? name, label].filter(Boolean).join(" ")));
    }
    return text;
  };
}

/** From the root to the model. */
function pathOf(table: ModelTable, row: number): number[] {
  const path: number[] = [];
  for (let at = row; at >= 0; at = table.base[at]!) path.push(at);
  return path.reverse();
}

/** How many models all paths begin with. */
function sharedLength(paths: readonly number[][]): number {
  const [first, ...others] = paths;
  let shared = 0;
  while (first && shared < first.length && others.every((path) => path[shared] === first[shared])) shared++;
  // a model alone is told by all that was done to it
  return others.length === 0 ? Math.min(1, shared - 1) : shared;
}

/** The few words beside a model: the parameters of its step that differ within the project. */
import { formatParameter } from "@/format";
import type { Json } from "@/api/json";
import type { ModelTable } from "@/state/table";
import type { Column } from "./columns";

const LONGEST = 18;

/** Two labels for each model: the shorter is for where the longer has no room; "" is none. */
export interface Labels {
  long: string[];
  short: string[];
}

/** What to write before each model; its operation, too, where the column's heading does not name it. */
export function mapLabels(table: ModelTable, columns: Column[]): Labels {
  const short = stepLabels(table);
  const long = [...short];
  for (const { operation, models } of columns) {
    if (operation !== null) continue;
    for (const i of models) long[i] = [table.operation[i] ?? "", short[i]].filter(Boolean).join(" ");
  }
  return { long, short };
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
 * number as its only parameter is always told by it.
 */
export function varyingParameters(table: ModelTable): Map<string, Set<string>> {
  const varying = new Map<string, Set<string>>();
  const distinct = new Map<string, Set<Record<string, Json>>>();
  for (let i = 0; i < table.count; i++) {
    const operation = table.operation[i];
    if (operation == null) continue;
    const set = distinct.get(operation) ?? new Set();
    distinct.set(operation, set.add(table.parameters[i]!));
  }
  for (const [operation, set] of distinct) {
    const values = new Map<string, string>();
    const found = new Set<string>();
    varying.set(operation, found);
    const keys = new Set([...set].flatMap((parameters) => Object.keys(parameters)));
    const [only] = [...set];
    if (keys.size === 1 && Object.values(only!).every((value) => typeof value === "number")) found.add([...keys][0]!);
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
  return Number.isInteger(value) && /[a-z]s$/.test(name) ? `${text} ${value === 1 ? name.slice(0, -1) : name}` : text;
}

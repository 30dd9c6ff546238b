import { MINUS } from "./number";

/** Splits into what a reader sees as characters, so that an emoji or an accent is never cut in two. */
function graphemes(text: string): string[] {
  return [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text)].map((part) => part.segment);
}

/** Shortens in the middle to at most `limit` characters: ids differ at their ends. */
export function shorten(text: string, limit = 24): string {
  if (text.length <= limit) return text;
  const parts = graphemes(text);
  if (parts.length <= limit) return text;
  const head = Math.ceil((limit - 1) * 0.45);
  const tail = limit - 1 - head;
  return `${parts.slice(0, head).join("")}…${parts.slice(parts.length - tail).join("")}`;
}

const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/**
 * A name inside a sentence: one that runs from right to left is set apart, so that it does not turn what is around it.
 */
export function isolate(text: string): string {
  return RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type Parameters = Readonly<Record<string, unknown>>;

/** A parameter's value as a reader would write it; lists in brackets, no quotes around words. */
export function formatParameter(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map(formatParameter).join(", ")}]`;
  return JSON.stringify(value);
}

function formatNumber(value: number): string {
  const text = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  return text.replace("-", MINUS);
}

function worthSaying(operation: string, value: unknown): boolean {
  return value !== null && value !== undefined && !(typeof value === "string" && value === operation);
}

/**
 * An operation in few words: `magnitude prune 0.5`. Of several parameters only the first is said, or those in
 * `varying` (the ones that differ in the project), the later ones by name.
 */
export function operationLabel(
  name: string | null,
  parameters: Parameters = {},
  varying?: ReadonlySet<string>,
): string {
  if (name === null) return "original";
  const said = Object.entries(parameters).filter(([, value]) => worthSaying(name, value));
  const chosen = varying ? said.filter(([key]) => varying.has(key)) : said.slice(0, 1);
  const words = chosen.map(([key, value], position) =>
    position === 0 && typeof value !== "boolean"
      ? isolate(formatParameter(value))
      : `${isolate(key)} ${isolate(formatParameter(value))}`,
  );
  return [isolate(name), words.join(", ")].filter(Boolean).join(" ");
}

/** An operation with all its parameters: `quantize (bits=4, scheme=symmetric)`. */
export function operationFull(name: string | null, parameters: Parameters = {}): string {
  if (name === null) return "original";
  const said = Object.entries(parameters).map(([key, value]) => `${isolate(key)}=${isolate(formatParameter(value))}`);
  return said.length === 0 ? isolate(name) : `${isolate(name)} (${said.join(", ")})`;
}

/** "a", "a and b", "a, b and c". */
export function listWords(words: readonly string[], conjunction = "and"): string {
  if (words.length < 2) return words[0] ?? "";
  return `${words.slice(0, -1).join(", ")} ${conjunction} ${words[words.length - 1] ?? ""}`;
}

/** The first few of a list, and how many more there are: `a, b and 7 more`. */
export function listSome(words: readonly string[], most = 4): string {
  // one more would not be shorter than its name
  if (words.length <= most + 1) return listWords(words);
  return listWords([...words.slice(0, most), `${words.length - most} more`]);
}

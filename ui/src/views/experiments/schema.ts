/** From the JSON schema of an operation's parameters to the fields of a form, and from what is typed to values. */
import { listWords, plain } from "@/format";

export type FieldKind = "integer" | "number" | "text" | "flag" | "choice" | "list";

/** One parameter. */
export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
  /** One sentence. */
  readonly help: string;
  readonly initial: unknown;
  readonly choices: readonly string[];
  readonly minimum: number | null;
  readonly maximum: number | null;
  /** Whether the bound itself is not allowed. */
  readonly above: boolean;
  readonly below: boolean;
  /** Whether it may be left empty, for none. */
  readonly optional: boolean;
  /** Choice → the values of other parameters that it stands for. */
  readonly sets: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Schema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  sets?: Field["sets"];
}

/** What is in a form: as it is typed; a flag is true or false. */
export type Typed = Readonly<Record<string, string | boolean>>;

export function fieldsOf(parameters: Readonly<Record<string, unknown>>): Field[] {
  const properties = (parameters.properties ?? {}) as Record<string, Schema>;
  return Object.entries(properties).map(([name, schema]) => fieldOf(name, schema));
}

function fieldOf(name: string, schema: Schema): Field {
  const choices = schema.anyOf ?? [schema];
  const chosen = choices.find((choice) => choice.type !== "null") ?? schema;
  return {
    name,
    kind: kindOf(chosen),
    help: schema.description ?? "",
    initial: schema.default ?? null,
    choices: choicesOf(chosen),
    minimum: chosen.minimum ?? chosen.exclusiveMinimum ?? null,
    maximum: chosen.maximum ?? chosen.exclusiveMaximum ?? null,
    above: chosen.exclusiveMinimum !== undefined,
    below: chosen.exclusiveMaximum !== undefined,
    optional: choices.some((choice) => choice.type === "null"),
    sets: schema.sets ?? {},
  };
}

function choicesOf({ enum: listed, const: one }: Schema): string[] {
  return (listed ?? (one === undefined ? [] : [one])).map(String);
}

function kindOf(schema: Schema): FieldKind {
  if (choicesOf(schema).length > 0) return "choice";
  if (schema.type === "boolean") return "flag";
  if (schema.type === "array") return "list";
  return schema.type === "integer" || schema.type === "number" ? schema.type : "text";
}

/** What the form holds before anything is typed. */
export function initialText({ initial }: Field): string | boolean {
  return textOf(initial);
}

function textOf(value: unknown): string | boolean {
  if (typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.join(", ");
  return value === null ? "" : String(value);
}

/** What is typed once `field` is: with a choice comes what it stands for, and goes with it unless changed since. */
export function typedWith(
  fields: readonly Field[],
  typed: Typed,
  { field, text }: { field: Field; text: string | boolean },
): Typed {
  const stoodFor = Object.entries(field.sets[String(typed[field.name])] ?? {});
  const kept = Object.fromEntries(stoodFor.filter(([name, value]) => (typed[name] ?? null) === textOf(value)));
  const standsFor = Object.entries(field.sets[String(text)] ?? {}).map(
    ([name, value]) => [name, textOf(value)] as const,
  );
  const rest = Object.entries(typed).filter(([name]) => name !== field.name && !(name in kept));
  const all = new Map([...rest, ...standsFor, [field.name, text] as const]);
  return Object.fromEntries(
    [...all].filter(([name, now]) => fields.some((one) => one.name === name && now !== initialText(one))),
  );
}

export type Read = { readonly value: unknown } | { readonly problem: string };

/** The value that is typed, or what is wrong with it. */
export function readField(field: Field, typed: string | boolean): Read {
  if (typeof typed === "boolean") return { value: typed };
  const text = typed.trim();
  switch (field.kind) {
    case "flag":
      return { value: text === "true" };
    case "list":
      return {
        value: text
          .split(/[,\n]/)
          .map((item) => item.trim())
          .filter(Boolean),
      };
    case "choice":
      if (!text && field.optional) return { value: null };
      return field.choices.includes(text) ? { value: text } : { problem: `One of ${listWords(field.choices, "or")}.` };
    case "text":
      return { value: text };
    default:
      return readNumber(field, text);
  }
}

function readNumber(field: Field, text: string): Read {
  if (!text && field.optional) return { value: null };
  const value = text ? Number(text) : NaN;
  const { minimum, maximum } = field;
  const whole = field.kind !== "integer" || Number.isSafeInteger(value);
  const low = minimum !== null && (field.above ? value <= minimum : value < minimum);
  const high = maximum !== null && (field.below ? value >= maximum : value > maximum);
  return Number.isFinite(value) && whole && !low && !high ? { value } : { problem: `${sentence(field)}.` };
}

/** What a number may be: `A whole number from 2 to 8`. */
export function sentence({ kind, minimum, maximum, above, below, optional }: Field): string {
  const what = kind === "integer" ? "A whole number" : "A number";
  const low =
    minimum === null ? "" : `${above ? "above" : maximum === null || below ? "of at least" : "from"} ${plain(minimum)}`;
  const join = above || below || minimum === null ? (low ? " and " : "") : " ";
  const word = below ? "below" : above || minimum === null ? "at most" : "to";
  const high = maximum === null ? "" : `${join}${word} ${plain(maximum)}`;
  return `${[what, low].filter(Boolean).join(" ")}${high && !low ? " " : ""}${high}${optional ? ", or nothing" : ""}`;
}

/** The values of a form that differ from the defaults or are always recorded, and the first problem of each field. */
export function readForm(
  fields: readonly Field[],
  main: readonly string[],
  typed: Typed,
): { values: Record<string, unknown>; problems: Record<string, string> } {
  const values: Record<string, unknown> = {};
  const problems: Record<string, string> = {};
  for (const field of fields) {
    const read = readField(field, typed[field.name] ?? initialText(field));
    if ("problem" in read) problems[field.name] = read.problem;
    else if (main.includes(field.name) || !same(read.value, field.initial)) values[field.name] = read.value;
  }
  return { values, problems };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * The field that a server's sentence is about: `quantize: bits must be …`, one in quotes, or a name that is no word.
 */
export function fieldOfProblem(title: string, fields: readonly Field[]): string | null {
  const words = new Set(title.match(/[a-z]+(?:_[a-z]+)+/g));
  const found = fields.find(
    ({ name }) => title.includes(`: ${name} must`) || title.includes(`'${name}'`) || words.has(name),
  );
  return found?.name ?? null;
}

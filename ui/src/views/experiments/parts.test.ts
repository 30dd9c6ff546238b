import { describe, expect, it } from "vitest";
import type { Job, OperationForm } from "@/api/jobs";
import { grouped } from "./groups";
import { example, lineOf } from "./lines";
import { DEFAULTS, readParams, writeParams } from "./params";
import { duration, remaining, summary, timing } from "./progress";
import { fieldOfProblem, fieldsOf, initialText, readField, readForm, sentence, typedWith, type Field } from "./schema";

const SCHEMA = {
  properties: {
    amount: { default: 0.5, description: "Share.", maximum: 1, minimum: 0, type: "number" },
    bits: { default: 8, maximum: 8, minimum: 2, type: "integer" },
    rate: { default: 0.1, exclusiveMinimum: 0, maximum: 10, type: "number" },
    momentum: { default: 0.9, exclusiveMaximum: 1, minimum: 0, type: "number" },
    group_size: { anyOf: [{ minimum: 1, type: "integer" }, { type: "null" }], default: null },
    scope: { default: "global", enum: ["global", "local"], type: "string" },
    keep: { default: true, type: "boolean" },
    targets: { default: [], items: { type: "string" }, type: "array" },
  },
};
const FIELDS = fieldsOf(SCHEMA);
const field = (name: string): Field => FIELDS.find((one) => one.name === name)!;

function job(change: Partial<Job>): Job {
  return {
    id: "1",
    kind: "operation",
    title: "",
    state: "running",
    progress: 0,
    message: "",
    reason: null,
    error: null,
    parent: null,
    model: null,
    attempts: 1,
    created_at: "",
    started_at: null,
    finished_at: null,
    ...change,
  };
}

describe("fields of a schema", () => {
  it("has a kind for each type", () => {
    const kinds = FIELDS.map(({ kind }) => kind);
    expect(kinds).toEqual(["number", "integer", "number", "number", "integer", "choice", "flag", "list"]);
    expect(field("group_size").optional).toBe(true);
    expect(field("scope").choices).toEqual(["global", "local"]);
    expect(FIELDS.map(initialText)).toEqual(["0.5", "8", "0.1", "0.9", "", "global", true, ""]);
  });

  it("says the bounds", () => {
    expect(sentence(field("bits"))).toBe("A whole number from 2 to 8");
    expect(sentence(field("rate"))).toBe("A number above 0 and at most 10");
    expect(sentence(field("momentum"))).toBe("A number of at least 0 and below 1");
    expect(sentence(field("group_size"))).toBe("A whole number of at least 1, or nothing");
  });

  it.each([
    ["amount", "0.6", 0.6],
    ["amount", " 1 ", 1],
    ["bits", "4", 4],
    ["group_size", "", null],
    ["group_size", "32", 32],
    ["targets", "Linear, re:layer.*,", ["Linear", "re:layer.*"]],
    ["keep", false, false],
    ["scope", "local", "local"],
  ])("reads %s = %j", (name, typed, value) => expect(readField(field(name), typed)).toEqual({ value }));

  it.each([
    ["amount", "1.5"],
    ["amount", ""],
    ["amount", "half"],
    ["amount", "Infinity"],
    ["bits", "4.5"],
    ["bits", "9"],
    ["rate", "0"],
    ["momentum", "1"],
    ["group_size", "0"],
    ["scope", "nowhere"],
  ])("refuses %s = %j", (name, typed) => expect(readField(field(name), typed)).toHaveProperty("problem"));

  it("keeps main parameters and what differs", () => {
    expect(readForm(FIELDS, ["amount"], { bits: "4", keep: true, scope: "global" })).toEqual({
      values: { amount: 0.5, bits: 4 },
      problems: {},
    });
    expect(readForm(FIELDS, [], { bits: "x" }).problems).toEqual({ bits: "A whole number from 2 to 8." });
  });

  it("takes over what a choice stands for, until another is made", () => {
    const sets = { W4: { bits: 4, group_size: 128, keep: false }, W8: { bits: 8, group_size: 128, keep: true } };
    const all = fieldsOf({
      properties: {
        ...SCHEMA.properties,
        scheme: { anyOf: [{ enum: ["W4", "W8"], type: "string" }, { type: "null" }], default: null, sets },
        one: { anyOf: [{ const: "W8A8", type: "string" }, { type: "null" }], default: null },
      },
    });
    const [scheme, one] = [all.find(({ name }) => name === "scheme")!, all.at(-1)!];
    expect([scheme.kind, one.kind, one.choices]).toEqual(["choice", "choice", ["W8A8"]]);
    expect(readField(scheme, "")).toEqual({ value: null });
    const four = typedWith(all, { amount: "0.6", bits: "3" }, { field: scheme, text: "W4" });
    expect(four).toEqual({ amount: "0.6", bits: "4", group_size: "128", keep: false, scheme: "W4" });
    expect(typedWith(all, four, { field: scheme, text: "W8" })).toEqual({
      amount: "0.6",
      group_size: "128",
      scheme: "W8",
    });
    const changed = typedWith(all, four, { field: all.find(({ name }) => name === "bits")!, text: "3" });
    expect(typedWith(all, changed, { field: scheme, text: "" })).toEqual({ amount: "0.6", bits: "3" });
    expect(readForm(all, ["bits"], four).values).toEqual({
      amount: 0.6,
      bits: 4,
      group_size: 128,
      keep: false,
      scheme: "W4",
    });
  });

  it("finds the field of a problem", () => {
    expect(fieldOfProblem("quantize: bits must be a whole number from 2 to 8.", FIELDS)).toBe("bits");
    expect(fieldOfProblem("quantize: strategy 'group' needs a group_size, e.g. 32.", FIELDS)).toBe("group_size");
    expect(fieldOfProblem("There is no model 'cnn'.", FIELDS)).toBeNull();
  });
});

describe("the address", () => {
  it("comes back", () => {
    const params = {
      tab: "recipe" as const,
      operation: "distill",
      typed: { amount: "0.6", keep: false },
      references: { teacher: "a b" },
      id: "x",
      job: "7",
    };
    expect(readParams(writeParams(params, { base: ["cnn"] }))).toEqual(params);
    expect(writeParams(params, { base: ["cnn"] }).base).toEqual(["cnn"]);
    expect(writeParams(DEFAULTS, {})).toEqual({});
    expect(readParams({ set: ["[1,2]", "{", '["a",3]'], do: ["?"] })).toEqual(DEFAULTS);
  });
});

describe("time", () => {
  const started_at = "2026-01-01T00:00:00Z";
  const now = Date.parse(started_at) + 10_000;
  it("is said and estimated", () => {
    expect([3, 125, 120, 3600, 3840].map(duration)).toEqual(["3 s", "2 min 5 s", "2 min", "1 h", "1 h 4 min"]);
    expect(remaining(job({ started_at, progress: 0.25 }), now)).toBe(30);
    expect(timing(job({ started_at, progress: 0.25 }), now)).toBe("10 s, about 30 s left");
    expect(remaining(job({ started_at, progress: 0.01 }), now)).toBeNull();
    expect(remaining(job({ started_at, progress: 1, state: "done" }), now)).toBeNull();
    expect(timing(job({ state: "queued" }), now)).toBe("");
  });

  it("is summed up without parts", () => {
    expect(summary([])).toBe("No jobs yet");
    expect(summary([job({}), job({ parent: "1" }), job({ state: "failed" })])).toBe("1 running, 1 failed");
    expect(summary([job({ state: "done" }), job({ state: "cancelled" })])).toBe("All 2 ended");
  });
});

it("finds the line of a problem", () => {
  expect(lineOf("Line 12, steps[0].quantize.bits: Found 99.")).toBe(12);
  expect(lineOf("In the recipe.")).toBeNull();
  expect(example('a "b": c')).toContain('base: "a \\"b\\": c"');
});

it("groups operations by what they lower", () => {
  const form = (name: string, lowers: OperationForm["lowers"]): OperationForm => ({
    name,
    lowers,
    description: "",
    data: "none",
    roles: [],
    main: [],
    parameters: {},
  });
  const found = grouped([
    form("train", "training loss"),
    form("prune", "non-zero weights"),
    form("qat", "stored bits"),
  ]);
  expect(found.map(({ title, forms }) => [title, forms.length])).toEqual([
    ["Fewer weights", 1],
    ["Fewer bits per weight", 1],
    ["Training", 1],
  ]);
});

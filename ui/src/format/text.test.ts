import { describe, expect, it } from "vitest";
import { formatParameter, isolate, listSome, listWords, operationFull, operationLabel, shorten } from "./text";

describe("isolate", () => {
  it("sets apart what runs from right to left, and nothing else", () => {
    expect(isolate("prune é 🐼")).toBe("prune é 🐼");
    expect(isolate("קיצוץ")).toBe("\u2068קיצוץ\u2069");
    expect(operationFull("prune", { כמות: 0.5, way: "أوزان" })).toBe(
      "prune (\u2068כמות\u2069=0.5, way=\u2068أوزان\u2069)",
    );
  });
});

describe("shorten", () => {
  it("keeps what is short", () => expect(shorten("cnn-p50", 10)).toBe("cnn-p50"));
  it("keeps both ends", () => {
    expect(shorten("resnet50trained-magnitudepruning75_compressed-recalibrated", 20)).toBe("resnet50t…calibrated");
  });
  it("never cuts an emoji in two", () => {
    const family = "👩‍👩‍👧";
    expect(shorten(family.repeat(9), 5)).toBe(`${family.repeat(2)}…${family.repeat(2)}`);
  });
  it("leaves a long code-unit but short grapheme text alone", () => {
    const text = "👩‍👩‍👧👩‍👩‍👧";
    expect(shorten(text, 3)).toBe(text);
  });
});

describe("listSome", () => {
  it("counts what it does not name, but never only one", () => {
    expect(listSome(["a", "b", "c", "d", "e"])).toBe("a, b, c, d and e");
    expect(listSome(["a", "b", "c", "d", "e", "f"])).toBe("a, b, c, d and 2 more");
  });
});

describe("operationLabel", () => {
  const cases: [string, string | null, Record<string, unknown>, string][] = [
    ["one parameter", "magnitude prune", { amount: 0.5 }, "magnitude prune 0.5"],
    ["none", "calibrate", {}, "calibrate"],
    ["a root without an operation", null, {}, "original"],
    ["a value that repeats the name", "quantize", { method: "quantize", amount: "int8" }, "quantize int8"],
    ["a flag by its name", "prune", { per_layer: true }, "prune per_layer yes"],
    ["a float without its binary tail", "prune", { amount: 0.1 + 0.2 }, "prune 0.3"],
  ];
  it.each(cases)("%s", (_, name, parameters, expected) => expect(operationLabel(name, parameters)).toBe(expected));
  it("says what varies", () => {
    const parameters = { seed: 0, amount: 0.5, bits: 4 };
    expect(operationLabel("both", parameters, new Set(["amount", "bits"]))).toBe("both 0.5, bits 4");
  });
});

it("writes an operation in full", () => {
  expect(operationFull("quantize", { bits: 4, layers: ["a", "b"], clip: null })).toBe(
    "quantize (bits=4, layers=[a, b], clip=none)",
  );
});

it("writes parameters", () => {
  expect([-1, true, "x", null, { a: 1 }].map(formatParameter)).toEqual(["−1", "yes", "x", "none", '{"a":1}']);
});

it("lists words", () => {
  expect([[], ["a"], ["a", "b"], ["a", "b", "c"]].map((words) => listWords(words))).toEqual([
    "",
    "a",
    "a and b",
    "a, b and c",
  ]);
});

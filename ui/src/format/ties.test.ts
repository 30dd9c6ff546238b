import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { MetricLike } from "./metric";
import { judge, leaders, orderOf, type Order, type Reading } from "./ties";

interface Case {
  what: string;
  fraction: boolean;
  unit: string;
  one: [number, number | null];
  other: [number, number | null];
  order: Order;
}

const CASES = JSON.parse(readFileSync(resolve("src/format/ties.cases.json"), "utf8")) as Case[];
const metric = (fields: Partial<MetricLike>): MetricLike => ({
  name: "m",
  unit: "",
  format: "",
  higher_is_better: null,
  min: null,
  max: null,
  ...fields,
});
const reading = ([value, error]: [number, number | null]): Reading => ({ value, error });

describe("orderOf", () => {
  it.each(CASES)("$what: $order", ({ fraction, unit, one, other, order }) => {
    const of = metric({ unit, ...(fraction ? { min: 0, max: 1 } : {}) });
    expect(orderOf(of, reading(one), reading(other))).toBe(order);
  });
});

const accuracy = metric({ min: 0, max: 1, higher_is_better: true });

describe("leaders", () => {
  it("are all that tie with the highest or the lowest", () => {
    const falls = [{ value: -0.5 }, { value: -0.1 }, null, { value: -0.5005 }];
    expect(leaders(accuracy, falls, false)).toEqual([0, 3]);
    expect(leaders(accuracy, falls, true)).toEqual([1]);
    expect(leaders(accuracy, [null], true)).toEqual([]);
  });
});

describe("judge", () => {
  it("follows the direction, and is neutral for ties and without one", () => {
    expect(judge(accuracy, { value: 0.9 }, { value: 0.8 })).toBe("good");
    expect(judge(accuracy, { value: 0.7 }, { value: 0.8 })).toBe("bad");
    expect(judge(accuracy, { value: 0.9, error: 0.05 }, { value: 0.8, error: 0.05 })).toBe("neutral");
    expect(judge({ ...accuracy, higher_is_better: null }, { value: 0.9 }, { value: 0.8 })).toBe("neutral");
  });
});

import { describe, expect, test } from "vitest";
import { plainRows, told } from "./numbers";

describe("numbers of answers", () => {
  test("are read where they travel as texts, and texts stay texts", () => {
    const rows: { name: string; value: number | "NaN" | "Infinity" | "-Infinity" | null }[] = [
      { name: "NaN", value: "NaN" },
      { name: "Infinity", value: "-Infinity" },
      { name: "", value: null },
      { name: "a", value: 0.5 },
    ];
    expect(plainRows(rows, { value: true })).toEqual([
      { name: "NaN", value: NaN },
      { name: "Infinity", value: -Infinity },
      { name: "", value: null },
      { name: "a", value: 0.5 },
    ]);
  });

  test("that stand alone are told", () => {
    expect([told(2), told("Infinity"), told("NaN")]).toEqual([2, Infinity, NaN]);
  });
});

import { describe, expect, it } from "vitest";
import { decimalsFor, describeValue, formatBytes, formatCount, formatValue, inColumn, plain, plural } from "./number";
import type { MetricLike } from "./metric";

export function metric(fields: Partial<MetricLike> = {}): MetricLike {
  return { name: "m", unit: "", format: "", higher_is_better: null, min: null, max: null, ...fields };
}

const space = (text: string): string => text.replaceAll("\u00a0", " ");

describe("formatValue", () => {
  const cases: [string, Partial<MetricLike>, number | null, string][] = [
    ["its own percentage format", { format: ".1%" }, 0.9812, "98.1%"],
    ["a percentage of two decimals", { format: ".2%" }, 0.8031923, "80.32%"],
    ["a fraction without a format", { min: 0, max: 1 }, 0.75, "75.0%"],
    ["a fraction whose format is not per cent", { min: 0, max: 1, format: ".3f" }, 0.75, "0.750"],
    ["bytes in MB of a million", { unit: "B", format: ".3s" }, 95_246_447, "95.2 MB"],
    ["bytes without a format", { unit: "B" }, 15_526, "15.5 kB"],
    ["few bytes whole", { unit: "B" }, 999, "999 B"],
    ["no fourth digit at the turn of a prefix", { unit: "B" }, 999_600, "1 MB"],
    ["counts in millions", { format: ".3s" }, 25_557_032, "25.6 M"],
    ["a two digit SI format gives three", { format: ".2~s" }, 34_892_567, "34.9 M"],
    ["seconds as milliseconds", { unit: "s", format: ".3s" }, 0.01234, "12.3 ms"],
    ["seconds without a format", { unit: "s" }, 0.000_041_2, "41.2 µs"],
    ["seconds as seconds", { unit: "s" }, 2, "2 s"],
    ["the unit the user chose", { unit: "ms" }, 17_792.36, "17,792 ms"],
    ["fixed decimals with a unit", { unit: "dB", format: ".1f" }, 31.25, "31.3 dB"],
    ["a real minus sign", { format: ".2f" }, -1.5, "−1.50"],
    ["the odd but legal format 00", { format: "00" }, 90, "90"],
    ["missing as a dash", { format: ".1%" }, null, "—"],
    ["not a number", { format: ".1%" }, Number.NaN, "NaN"],
    ["infinity", {}, Infinity, "∞"],
    ["minus infinity", {}, -Infinity, "−∞"],
    ["three digits by default", {}, 0.123456, "0.123"],
    ["small numbers", {}, 0.0000123, "1.23×10⁻⁵"],
    ["zero", { unit: "B" }, 0, "0 B"],
  ];
  it.each(cases)("%s", (_, fields, value, expected) => {
    expect(space(formatValue(metric(fields), value))).toBe(expected);
  });

  it("shares one unit along an axis", () => {
    const size = metric({ unit: "B" });
    expect([5e5, 4e6, 1.2e7].map((value) => space(formatValue(size, value, 1.2e7)))).toEqual([
      "0.5 MB",
      "4 MB",
      "12 MB",
    ]);
  });
});

describe("a column", () => {
  const column = (fields: Partial<MetricLike>, values: (number | null)[]): string[] =>
    values.map((value) => space(formatValue(inColumn(metric(fields), values), value)));
  it("has one number of decimals", () => {
    expect(column({ unit: "ms" }, [0.156, 0.16, 0, null, 0.5082])).toEqual([
      "0.156 ms",
      "0.160 ms",
      "0.000 ms",
      "—",
      "0.508 ms",
    ]);
    expect(column({}, [14.46, 15.2, Number.NaN])).toEqual(["14.5", "15.2", "NaN"]);
  });
  it("leaves whole numbers whole, and formats, prefixes and what would read as zero alone", () => {
    expect(column({}, [1, 20])).toEqual(["1", "20"]);
    expect(column({ format: ".2~f" }, [0.5, 0.25])).toEqual(["0.5", "0.25"]);
    expect(column({ unit: "B" }, [5530, 19_000])).toEqual(["5.53 kB", "19 kB"]);
    expect(column({}, [0.0002, 512.5])).toEqual(["0.0002", "513"]);
  });
});

describe("the rest of number", () => {
  it("describes what is not a number in words", () => {
    expect([null, Number.NaN, Infinity, -Infinity].map((value) => describeValue(metric(), value))).toEqual([
      "missing",
      "not a number",
      "infinite",
      "minus infinite",
    ]);
  });
  it("counts significant decimals", () => {
    expect([0, 0.0123, 1, 12.3, 100, 1000].map((value) => decimalsFor(value))).toEqual([0, 4, 2, 1, 0, 0]);
  });
  it("separates thousands", () => {
    expect(plain(17_155.143)).toBe("17,155");
    expect(space(formatCount(12_345))).toBe("12,345");
    expect(space(formatCount(25_600_000))).toBe("25.6 M");
    expect(space(formatBytes(102_400))).toBe("102 kB");
  });
  it("counts nouns", () => {
    expect([1, 3].map((count) => space(plural(count, "model")))).toEqual(["1 model", "3 models"]);
  });
});

import { describe, expect, it } from "vitest";
import {
  formatChange,
  formatDifference,
  formatDifferenceInterval,
  formatInterval,
  formatIntervals,
  intervalDecimals,
} from "./change";
import { changeKind, goodness, type MetricLike } from "./metric";

const plainMetric: MetricLike = { name: "m", unit: "", format: "", higher_is_better: null, min: null, max: null };
const accuracy: MetricLike = { ...plainMetric, format: ".1%", higher_is_better: true, min: 0, max: 1 };
const size: MetricLike = { ...plainMetric, unit: "B", format: ".3s", higher_is_better: false, min: 0 };
const latency: MetricLike = { ...plainMetric, unit: "s", higher_is_better: false, min: 0 };
const space = (text: string): string => text.replaceAll("\u00a0", " ");

describe("formatChange", () => {
  const cases: [string, MetricLike, number | null, number | null, string][] = [
    ["points of a fraction", accuracy, 0.902, 0.916, "−1.4 pp"],
    ["a gain in points", accuracy, 0.6423, 0.1352, "+50.7 pp"],
    ["a tiny change is not nothing", accuracy, 0.9164, 0.916, "+0.04 pp"],
    ["a whole number of points", accuracy, 0.88, 0.9, "−2.0 pp"],
    ["no change", accuracy, 0.9, 0.9, "0 pp"],
    ["a ratio of sizes", size, 39, 100, "−61.0%"],
    ["a ratio to a tenth", size, 34_892_567, 95_246_447, "−63.4%"],
    ["a ratio of times", latency, 0.0155, 0.01, "+55.0%"],
    ["a large ratio", size, 1_350, 100, "+1,250%"],
    ["an equal size", size, 100, 100, "0%"],
    ["a base of zero has no ratio", size, 2_000_000, 0, "+2 MB"],
    ["a plain difference", plainMetric, 1.52, 1.5, "+0.02"],
    ["a plain difference with unit", { ...plainMetric, unit: "dB" }, 20, 31.25, "−11.3 dB"],
    ["a missing base", accuracy, 0.5, null, "—"],
    ["a base that is not a number", accuracy, 0.5, Number.NaN, "—"],
    ["an infinite value", size, Infinity, 1, "—"],
  ];
  it.each(cases)("%s", (_, metric, value, base, expected) => {
    expect(space(formatChange(metric, value, base))).toBe(expected);
  });
});

describe("formatDifference", () => {
  it("keeps the unit", () => {
    expect(space(formatDifference(size, -60_353_880))).toBe("−60.4 MB");
    expect(space(formatDifference(latency, 0.0021))).toBe("+2.1 ms");
    expect(space(formatDifference(accuracy, 0.5071))).toBe("+50.7 pp");
    expect(formatDifference(accuracy, null)).toBe("—");
    expect(formatDifference(plainMetric, -Infinity)).toBe("−∞");
  });
});

describe("intervals", () => {
  it("shows no more digits than the interval supports", () => {
    expect(formatInterval(accuracy, 0.9164, 0.898, 0.932)).toBe("91.6% (89.8–93.2)");
    expect(formatInterval(accuracy, 0.9164, 0.75, 0.99)).toBe("92% (75–99)");
    expect(formatInterval(plainMetric, 4.8612, 4.8592, 4.8633)).toBe("4.8612 (4.8592–4.8633)");
    expect(space(formatInterval(latency, 0.0123, 0.0119, 0.0131))).toBe("12.30 ms (11.90–13.10)");
  });
  it("gives a column one number of decimals for each unit, that of its widest interval", () => {
    const narrow = { value: 0.98123, interval: [0.9715, 0.991] } as const;
    const wide = { value: 0.744, interval: [0.713, 0.775] } as const;
    expect(formatIntervals(accuracy, [narrow])).toEqual(["98.12% (97.15–99.10)"]);
    expect(formatIntervals(accuracy, [narrow, wide, { value: 0.5, interval: null }])).toEqual([
      "98.1% (97.2–99.1)",
      "74.4% (71.3–77.5)",
      "50.0%",
    ]);
    const times = [
      { value: 0.0123, interval: [0.0119, 0.0131] },
      { value: 0.00085, interval: [0.0005, 0.00095] },
    ] as const;
    expect(formatIntervals(latency, times).map(space)).toEqual(["12.30 ms (11.90–13.10)", "850 µs (500–950)"]);
  });
  it("writes the signs of a difference", () => {
    expect(space(formatDifferenceInterval(accuracy, 0.5071, 0.481, 0.5324))).toBe("+50.7 pp (+48.1 to +53.2)");
    expect(space(formatDifferenceInterval(size, -6e7, -7e7, -5e7))).toBe("−60 MB (−70 to −50)");
    expect(space(formatDifferenceInterval(accuracy, 0.5071, 0.481, 0.5324, 0))).toBe("+51 pp (+48 to +53)");
    expect(space(formatDifferenceInterval(accuracy, 0.001, -0.02, 0.022))).toBe("+0.1 pp (−2.0 to +2.2)");
    expect(space(formatDifferenceInterval(accuracy, 0.5071, null, null))).toBe("+50.7 pp");
  });
  it("counts decimals from the half-width", () => {
    expect([17, 1.7, 0.17, 0.004].map(intervalDecimals)).toEqual([0, 1, 2, 4]);
  });
});

describe("metric", () => {
  it("tells how a metric changes", () => {
    expect([accuracy, size, plainMetric, { ...plainMetric, min: 0, max: 1 }].map(changeKind)).toEqual([
      "points",
      "ratio",
      "difference",
      "points",
    ]);
  });
  it("judges by direction alone", () => {
    expect(goodness(accuracy, 0.1)).toBe("good");
    expect(goodness(size, 0.1)).toBe("bad");
    expect(goodness(size, -0.1)).toBe("good");
    expect(goodness(plainMetric, 5)).toBe("neutral");
    expect(goodness(accuracy, 0)).toBe("neutral");
    expect(goodness(accuracy, Number.NaN)).toBe("neutral");
  });
});

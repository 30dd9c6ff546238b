import { describe, expect, it } from "vitest";
import type { MetricLike } from "../format";
import { logTicks, tickLabels, ticks } from "./ticks";

const metric: MetricLike = { name: "m", unit: "", format: "", higher_is_better: null, min: null, max: null };
const labels = (fields: Partial<MetricLike>, values: number[]): string[] =>
  tickLabels({ ...metric, ...fields }, values).map((label) => label.replaceAll("\u00a0", " "));

describe("ticks", () => {
  it("are round", () => expect(ticks([0.03, 0.97], 5)).toEqual([0.2, 0.4, 0.6, 0.8]));
  it("are powers of ten over many decades", () => expect(logTicks([1, 1e6], 4)).toEqual([1, 100, 1e4, 1e6]));
  it("fill in between over few", () => expect(logTicks([1, 100], 5)).toEqual([1, 3, 10, 30, 100]));
  it("are linear within less than a decade", () => expect(logTicks([21, 28], 4).length).toBeGreaterThanOrEqual(2));
  it("need a positive domain", () => expect(logTicks([0, 1])).toEqual([]));
});

describe("tickLabels", () => {
  it("share one unit", () =>
    expect(labels({ unit: "B", format: ".3s" }, [0, 5e6, 1e7])).toEqual(["0 MB", "5 MB", "10 MB"]));
  it("show percentages with as many decimals as needed", () => {
    expect(labels({ format: ".2%" }, [0, 0.5, 1])).toEqual(["0%", "50%", "100%"]);
    expect(labels({ format: ".1%" }, [0.97, 0.975])).toEqual(["97.0%", "97.5%"]);
  });
  it("change the prefix where decades differ", () => {
    expect(labels({ unit: "B" }, [1e3, 1e5, 1e7])).toEqual(["1 kB", "100 kB", "10 MB"]);
  });
  it("are told apart where the axis is narrow", () => {
    expect(labels({ unit: "B" }, [18_900, 18_950, 19_000])).toEqual(["18.9 kB", "18.95 kB", "19 kB"]);
    expect(labels({ unit: "dB" }, [20.001, 20.002])).toEqual(["20.001 dB", "20.002 dB"]);
    expect(labels({}, [5, 5])).toEqual(["5", "5"]);
  });
  it("keep seconds short", () => expect(labels({ unit: "s" }, [0.001, 0.002])).toEqual(["1 ms", "2 ms"]));
});

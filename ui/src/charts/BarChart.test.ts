// @vitest-environment jsdom
import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MetricLike } from "@/format";
import { install } from "@/testing/browser";
import BarChart from "./BarChart.svelte";
import { layoutBars, type Selection } from "./bars";

const metric: MetricLike = { name: "Size", unit: "B", format: ".3s", higher_is_better: false, min: 0, max: null };
const amount = { name: "amount", kind: "parameter", values: [0.5, 0.9] };
const selection: Selection = { variables: [amount], rows: { a: [0.5], b: [0.9] } };
const layout = layoutBars(selection, { x: "amount", color: null, facet: null }, ["a", "b"]);

let chart: Record<string, unknown> | null = null;
beforeEach(install);
afterEach(async () => {
  if (chart) await unmount(chart);
  document.body.replaceChildren();
});

function show(values: Record<string, number | null>, other: object = {}) {
  const calls = { hover: vi.fn(), pick: vi.fn() };
  chart = mount(BarChart, {
    target: document.body,
    props: {
      metric,
      layout,
      x: amount,
      facet: undefined,
      colors: ["#000"],
      width: 240,
      height: 120,
      value: (id: string) => values[id] ?? null,
      error: () => null,
      hovered: null,
      kept: null,
      describe: (cell: { ids: readonly string[] }) => cell.ids.join(),
      ...calls,
      ...other,
    },
  });
  flushSync();
  return { container: document.body, calls };
}

/** A chart of one model for each value of one variable. */
function showNamed(kind: string, values: readonly (string | number)[]): void {
  const variable = { name: "way", kind, values };
  const rows = Object.fromEntries(values.map((value, k) => [`m${k}`, [value]]));
  const encoding = { x: "way", color: null, facet: null };
  const own = layoutBars({ variables: [variable], rows }, encoding, Object.keys(rows));
  show({ a: 1, ...Object.fromEntries(Object.keys(rows).map((id) => [id, 1e6])) }, { layout: own, x: variable });
}

describe("BarChart", () => {
  it("starts bars at zero: twice the value is twice the height", () => {
    const { container } = show({ a: 2e6, b: 1e6 });
    const [first, second] = [...container.querySelectorAll("rect.bar")].map((bar) =>
      Number(bar.getAttribute("height")),
    );
    expect(first! / second!).toBeCloseTo(2);
  });
  it("draws points where bars would look alike", () => {
    const { container } = show({ a: 1_000_000, b: 1_010_000 });
    expect(container.querySelectorAll("circle.bar")).toHaveLength(2);
    expect(container.querySelector("path.break")?.textContent).toContain("does not start at zero");
  });
  it("draws what is missing hollow with a dash, and says so", () => {
    const { container } = show({ a: 2e6, b: null });
    expect(container.querySelectorAll("rect.hollow")).toHaveLength(1);
    expect(container.querySelector("rect.hollow + text")?.textContent).toBe("—");
    expect(container.querySelector('[aria-label="b: missing"]')).toBeTruthy();
  });
  it("answers pointer and keyboard alike", () => {
    const { container, calls } = show({ a: 2e6, b: 1e6 });
    const bar = container.querySelector('[aria-label^="a:"]')!;
    bar.dispatchEvent(new MouseEvent("pointerenter"));
    expect(calls.hover).toHaveBeenCalledWith("a", expect.anything());
    bar.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
    expect(calls.pick).toHaveBeenCalledWith(["a"], true);
    bar.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, key: "Enter" }));
    expect(calls.pick).toHaveBeenLastCalledWith(["a"], false);
  });
  it("turns names that have no room side by side, and keeps them apart", () => {
    const names = ["magnitude", "gradient", "random"].flatMap((way) => [`${way} prune 0.5`, `${way} prune 0.9`]);
    showNamed("operation", names);
    const turned = [...document.querySelectorAll("text.turned")];
    const words = turned.map((text) => text.firstChild!.textContent!);
    expect(new Set(words).size).toBe(6);
    for (const word of words) expect(word.length).toBeLessThanOrEqual(12);
    expect(turned.map((text) => text.querySelector("title")!.textContent)).toEqual(names);
    expect(document.querySelector("text.x")).toBeNull();
  });
  it("leaves labels level where they have room", () => {
    showNamed("operation", ["quantize", "prune"]);
    expect([...document.querySelectorAll("text.x")].map((text) => text.firstChild!.textContent)).toEqual([
      "quantize",
      "prune",
    ]);
  });
  it("names some of many numbers, none of them cut and none touching the next", () => {
    showNamed(
      "parameter",
      Array.from({ length: 12 }, (_, k) => 1000 + k),
    );
    const labels = [...document.querySelectorAll("text.x")];
    const ends = labels.map(
      (text) => [Number(text.getAttribute("x")), text.firstChild!.textContent!.length * 6] as const,
    );
    expect(labels.length).toBeLessThan(12);
    for (const [k, [x, width]] of ends.slice(1).entries()) {
      expect(x - width / 2).toBeGreaterThanOrEqual(ends[k]![0] + ends[k]![1] / 2 + 6);
    }
  });
});

// @vitest-environment jsdom
import { flushSync, mount, unmount } from "svelte";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { MetricLike } from "@/format";
import BarChart from "./BarChart.svelte";
import { layoutBars, type Selection } from "./bars";

const metric: MetricLike = { name: "Size", unit: "B", format: ".3s", higher_is_better: false, min: 0, max: null };
const amount = { name: "amount", kind: "parameter", values: [0.5, 0.9] };
const selection: Selection = { variables: [amount], rows: { a: [0.5], b: [0.9] } };
const layout = layoutBars(selection, { x: "amount", color: null, facet: null }, ["a", "b"]);

let chart: Record<string, unknown> | null = null;
afterEach(async () => {
  if (chart) await unmount(chart);
  document.body.replaceChildren();
});

function show(values: Record<string, number | null>) {
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
    },
  });
  flushSync();
  return { container: document.body, calls };
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
});

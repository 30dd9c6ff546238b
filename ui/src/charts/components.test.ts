// @vitest-environment jsdom
import "@/testing/app";
import { fireEvent, render, screen } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import type { MetricLike } from "@/format";
import { makeBins } from "./bins";
import type { Range } from "./brush";
import HistogramBrush from "./HistogramBrush.svelte";
import StripPlot from "./StripPlot.svelte";

const METRIC: MetricLike = { name: "Accuracy", unit: "", format: ".1%", higher_is_better: true, min: 0, max: 1 };

/** jsdom has no pointers: a mouse event of that name, with its position. */
async function pointer(element: Element, type: string, clientX: number): Promise<void> {
  await fireEvent(element, new MouseEvent(type, { clientX, button: 0, buttons: 1, bubbles: true }));
}

describe("a histogram that is a filter", () => {
  const bins = makeBins([0, 0.25, 0.5, 0.75, 1], [0, 1], false);

  function open(range: Range | null = null) {
    const change = vi.fn();
    const { container } = render(HistogramBrush, {
      metric: METRIC,
      bins,
      kept: bins.counts,
      range,
      width: 108,
      change,
    });
    return { svg: container.querySelector("svg")!, change };
  }

  it("is dragged over a range: one step, and then its changes", async () => {
    const { svg, change } = open();
    // the axis goes from pixel 4 to 104
    await pointer(svg, "pointerdown", 29);
    await pointer(svg, "pointermove", 54);
    await pointer(svg, "pointermove", 79);
    await pointer(svg, "pointerup", 79);
    expect(change.mock.calls).toEqual([
      [[0.25, 0.5], true],
      [[0.25, 0.75], false],
    ]);
  });
  it("does nothing for a click", async () => {
    const { svg, change } = open();
    await pointer(svg, "pointerdown", 29);
    await pointer(svg, "pointermove", 30);
    await pointer(svg, "pointerup", 30);
    expect(change).not.toHaveBeenCalled();
  });
  it("has ends that are dragged", async () => {
    const { svg, change } = open([0.25, 0.75]);
    await pointer(svg, "pointerdown", 80);
    await pointer(svg, "pointermove", 54);
    expect(change.mock.calls[0]![0]).toEqual([0.25, 0.5]);
  });
  it("is taken away with a double click", async () => {
    const { svg, change } = open([0.25, 0.75]);
    await fireEvent.dblClick(svg);
    expect(change).toHaveBeenCalledWith(null, true);
  });
  it("has ends that are moved with the keys, and taken away", async () => {
    const { change } = open([0.25, 0.75]);
    const [low] = screen.getAllByRole("slider");
    await fireEvent.keyDown(low!, { key: "ArrowRight" });
    expect(change.mock.calls[0]![0]![0]).toBeGreaterThan(0.25);
    await fireEvent.keyDown(low!, { key: "Delete" });
    expect(change).toHaveBeenLastCalledWith(null, true);
    await fireEvent.keyDown(low!, { key: "a" });
    expect(change).toHaveBeenCalledTimes(2);
  });
});

describe("a strip of differences", () => {
  function open(differences: readonly number[] = [-0.1, NaN, 0.2]) {
    const calls = { hover: vi.fn(), pick: vi.fn() };
    render(StripPlot, {
      metric: METRIC,
      differences,
      mean: 0.05,
      low: -0.1,
      high: 0.2,
      domain: [-0.2, 0.2],
      width: 212,
      color: "gray",
      hovered: null,
      describe: (pair: number) => `pair ${pair}`,
      ...calls,
    });
    return calls;
  }

  it("has a dot for each finite difference, further right the larger", () => {
    open();
    const dots = screen.getAllByRole("button");
    expect(dots.map((dot) => dot.getAttribute("aria-label"))).toEqual(["pair 0", "pair 2"]);
    const [left, right] = dots.map((dot) => Number(dot.getAttribute("cx")));
    expect(left!).toBeLessThan(right!);
  });
  it("takes a pair with a click, Enter or space", async () => {
    const { pick } = open();
    const dot = screen.getByRole("button", { name: "pair 2" });
    await fireEvent.click(dot);
    await fireEvent.keyDown(dot, { key: "Enter" });
    await fireEvent.keyDown(dot, { key: " " });
    await fireEvent.keyDown(dot, { key: "x" });
    expect(pick.mock.calls).toEqual([[2], [2], [2]]);
  });
  it("is reached with Tab once, and walked with the arrow keys", async () => {
    const { hover } = open([0.1, 0.15, 0.2]);
    const dots = screen.getAllByRole("button");
    expect(dots.map((dot) => dot.getAttribute("tabindex"))).toEqual(["0", "-1", "-1"]);
    dots[0]!.focus();
    await fireEvent.keyDown(dots[0]!, { key: "ArrowRight" });
    expect(document.activeElement).toBe(dots[1]);
    expect(hover).toHaveBeenLastCalledWith(1);
    expect(dots.map((dot) => dot.getAttribute("tabindex"))).toEqual(["-1", "0", "-1"]);
  });
  it("says which pair the pointer is on", async () => {
    const { hover } = open();
    const dot = screen.getByRole("button", { name: "pair 0" });
    await fireEvent.pointerEnter(dot);
    await fireEvent.pointerLeave(dot);
    expect(hover.mock.calls).toEqual([[0], [null]]);
  });
});

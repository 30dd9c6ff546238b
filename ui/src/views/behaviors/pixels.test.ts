// @vitest-environment jsdom
import { fireEvent, screen, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { SegmentationRow } from "@/api/behaviors";
import { makeApp, show } from "@/testing/app";
import { behaviors, DATASET } from "@/testing/behaviors";
import Behaviors from "./Behaviors.svelte";
import Pixels from "./Pixels.svelte";
import { changeOf, decimalsOf, pixelClassesOf, pixelsSaid } from "./pixels";

const row = (name: string | null, difference: number | null, model = "p50"): SegmentationRow => ({
  model,
  class: name,
  num_pixels: 1000,
  iou: difference === null ? null : 0.8 + difference,
  base_iou: difference === null ? null : 0.8,
  difference,
  ci_low: difference === null ? null : difference - 0.01,
  ci_high: difference === null ? null : difference + 0.01,
  lost: 7,
  won: 2,
});
const ROWS = [row(null, -0.1), row("road", 0.05), row("car", -0.25), row("sky", null)];

describe("pixels by class", () => {
  it("have their mean apart", () => {
    const { mean, classes } = pixelClassesOf(ROWS);
    expect(mean?.cells.get("p50")?.difference).toBe(-0.1);
    expect(classes.map(({ value, count, base }) => [value, count, base])).toEqual([
      ["road", 1000, 0.8],
      ["car", 1000, 0.8],
      ["sky", 1000, null],
    ]);
    expect(pixelClassesOf([])).toEqual({ mean: null, classes: [] });
  });
  it("are written with their interval, or a dash", () => {
    const { classes } = pixelClassesOf(ROWS);
    const space = (text: string): string => text.replaceAll("\u00a0", " ");
    expect(classes.map(({ cells }) => space(changeOf(cells.get("p50")!, 1)))).toEqual([
      "+5.0 pp (+4.0 to +6.0)",
      "−25.0 pp (−26.0 to −24.0)",
      "—",
    ]);
    expect(space(pixelsSaid(classes[0]!.cells.get("p50")!))).toBe("7 pixels only the base has right, 2 only the model");
  });
  it("have as many decimals as the widest interval of the model supports", () => {
    // 12 points to either side are told without decimals, 1 point with one
    const wide = { ...row("car", -0.25), ci_low: -0.37, ci_high: -0.13 };
    expect([decimalsOf([...ROWS, wide], "p50"), decimalsOf(ROWS, "p50")]).toEqual([0, 1]);
    expect(decimalsOf([row("sky", null)], "p50")).toBe(2);
  });
  it("list the mean, then what lost most; a click sorts otherwise", async () => {
    show(Pixels, { rows: ROWS, models: ["p50"], heads: ["p50"] }, makeApp());
    const names = () => screen.getAllByRole("rowheader").map((one) => one.textContent);
    expect(names()).toEqual(["mean of classes", "car", "road", "sky"]);
    await fireEvent.click(screen.getByRole("button", { name: /^change/ }));
    expect(names()).toEqual(["mean of classes", "road", "car", "sky"]);
    await fireEvent.click(screen.getByRole("button", { name: /^class/ }));
    expect(names()).toEqual(["mean of classes", "road", "car", "sky"]);
    const header = screen.getByRole("columnheader", { name: /^class/ });
    expect(header.getAttribute("aria-sort")).toBe("ascending");
    expect(screen.getAllByTitle(/^7 pixels/)).toHaveLength(4);
  });
});

describe("the classes of masks", () => {
  it("are listed where there are no others, for every model", async () => {
    const segmentation = ["p50", "q4"].flatMap((model) => [row(null, -0.1, model), row("road", -0.2, model)]);
    const models = ["p50", "q4"];
    const answers = {
      "GET behaviors/answered": { models: ["cnn", ...models] },
      "POST behaviors": behaviors({ groups: null, group_columns: ["night"], segmentation, models }),
    };
    const address = "/behaviors?sel=cnn&sel=p50&level=classes";
    show(Behaviors, {}, makeApp({ datasets: [DATASET] as never, answers, address }));
    const table = await screen.findByRole("region", { name: "Table of IoU by class" });
    expect(within(table).getAllByText(/−20.0/)).toHaveLength(2);
    expect(screen.queryByText(/There are no classes/)).toBeNull();
    expect(screen.getByLabelText<HTMLSelectElement>("Group by").selectedOptions[0]?.textContent).toBe("by class");
    await fireEvent.click(screen.getByRole("button", { name: "Export" }));
    const saved = screen.getAllByRole("menuitem").map((one) => one.textContent);
    expect(saved).toContain("IoU by class, CSV");
    expect(saved).not.toContain("Classes, CSV");
  });
});

// @vitest-environment jsdom
import { BYTES, ACCURACY, makeApp, show, TABLE } from "@/testing/app";
import { SIZE } from "@/testing/browser";
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { AppState } from "@/state/app";
import { html } from "@/testing/snippets.svelte";
import ModelMap from "./map/ModelMap.svelte";
import Plot from "./scatter/Plot.svelte";
import { makeScene } from "./scatter/scene";

/** jsdom has no pointers: a mouse event of that name, with its place in the element. */
async function pointer(element: Element, type: string, at: { x: number; y: number }, more: MouseEventInit = {}) {
  const init = { clientX: at.x, clientY: at.y, button: 0, buttons: 1, bubbles: true, cancelable: true, ...more };
  await fireEvent(element, new MouseEvent(type, init));
}

async function drag(element: Element, from: { x: number; y: number }, to: { x: number; y: number }, more = {}) {
  await pointer(element, "pointerdown", from, more);
  await pointer(element, "pointermove", to, more);
  await pointer(element, "pointerup", to, more);
}

describe("the scatterplot", () => {
  const margins = { left: 52, right: 24, top: 8, bottom: 24 };
  const scene = makeScene({
    table: TABLE,
    x: BYTES,
    y: ACCURACY,
    logX: false,
    logY: false,
    size: SIZE,
    margins,
    zoom: null,
  });
  const of = (model: number): { x: number; y: number } => ({ x: scene.px[model]!, y: scene.py[model]! });
  const NOWHERE = { x: 60, y: 380 };

  async function open(address = ""): Promise<{ app: AppState; plot: HTMLElement }> {
    const app = makeApp({ address: `/overview?logx=0&${address}` });
    show(Plot as never, { x: BYTES, y: ACCURACY, frontier: [0, 2, 3], saveActions: [], above: html("<g></g>") }, app);
    const plot = screen.getByRole("application");
    await waitFor(() => expect(plot.querySelector("svg")!.getAttribute("width")).toBe(String(SIZE.width)));
    return { app, plot };
  }

  it("has the best at the top and the largest at the right", () => {
    expect(of(0).y).toBeLessThan(of(1).y);
    expect(of(3).x).toBeLessThan(of(1).x);
    expect(Number.isNaN(of(4).y)).toBe(true);
  });
  it("selects the model that is clicked, adds with shift, and lets go beside", async () => {
    const { app, plot } = await open();
    await drag(plot, of(0), of(0));
    expect([...app.view.selection]).toEqual([0]);
    await drag(plot, of(3), of(3), { shiftKey: true });
    expect([...app.view.selection]).toEqual([0, 3]);
    await drag(plot, of(3), of(3), { shiftKey: true });
    expect([...app.view.selection]).toEqual([0]);
    await drag(plot, NOWHERE, NOWHERE, { shiftKey: true });
    expect([...app.view.selection]).toEqual([0]);
    await drag(plot, NOWHERE, NOWHERE);
    expect([...app.view.selection]).toEqual([]);
  });
  it("selects what is inside a rectangle", async () => {
    const { app, plot } = await open();
    const [a, b] = [of(1), of(2)];
    const corner = { x: Math.min(a.x, b.x) - 15, y: Math.min(a.y, b.y) - 15 };
    await pointer(plot, "pointerdown", corner);
    await pointer(plot, "pointermove", { x: a.x + 15, y: Math.max(a.y, b.y) + 15 });
    expect(plot.querySelector(".brush")!.getAttribute("width")).toBe(String(a.x + 15 - corner.x));
    await pointer(plot, "pointerup", { x: a.x + 15, y: Math.max(a.y, b.y) + 15 });
    expect([...app.view.selection].sort()).toEqual([1, 2]);
    expect(plot.querySelector(".brush")).toBeNull();
  });
  it("leaves out what a filter leaves out", async () => {
    const { app, plot } = await open("op=finetune");
    await drag(plot, of(0), of(0));
    expect([...app.view.selection]).toEqual([]);
  });
  it("says what is under the pointer", async () => {
    const { app, plot } = await open();
    await pointer(plot, "pointermove", of(3));
    expect(app.view.hovered).toBe(3);
    expect((await screen.findByRole("tooltip", { hidden: true })).textContent).toContain("p90");
    await pointer(plot, "pointerleave", NOWHERE);
    expect([app.view.hovered, screen.queryByRole("tooltip", { hidden: true })]).toEqual([null, null]);
  });
  it("is walked with the arrow keys, and says where it is", async () => {
    const { app, plot } = await open();
    await fireEvent.keyDown(plot, { key: "ArrowRight" });
    expect(app.view.hovered).toBe(3);
    await fireEvent.keyDown(plot, { key: "ArrowRight" });
    await fireEvent.keyDown(plot, { key: "ArrowRight" });
    expect(app.view.hovered).toBe(2);
    expect(screen.getByRole("status").textContent).toMatch(/p50-ft; Size 200.kB; Accuracy 97\.0%/);
    await fireEvent.keyDown(plot, { key: "ArrowUp" });
    expect(app.view.hovered).toBe(0);
    await fireEvent.keyDown(plot, { key: " " });
    await fireEvent.keyDown(plot, { key: "ArrowDown" });
    await fireEvent.keyDown(plot, { key: " " });
    expect([...app.view.selection]).toEqual([0, 2]);
    expect(screen.getByRole("status").textContent).toContain("selected");
    await fireEvent.keyDown(plot, { key: "Enter" });
    expect([...app.view.selection]).toEqual([2]);
  });
  it("zooms with the wheel and ctrl, moves without, and shows everything again", async () => {
    const { app, plot } = await open();
    await fireEvent.wheel(plot, { deltaY: 100, ctrlKey: false });
    expect(app.view.within).toBeNull();
    await fireEvent.wheel(plot, { deltaY: -100, ctrlKey: true, clientX: 400, clientY: 200 });
    const [low, high] = app.view.within!;
    expect(high - low).toBeLessThan(400_000);
    await fireEvent.click(await screen.findByRole("button", { name: "Reset zoom" }));
    expect(app.view.within).toBeNull();
  });
  it("offers what can be done with the model under the pointer, or with the plot", async () => {
    const { app, plot } = await open();
    await pointer(plot, "contextmenu", of(3), { button: 2 });
    expect(screen.getByRole("menu", { name: "p90" })).toBeTruthy();
    await fireEvent.click(screen.getByRole("menuitem", { name: "Compare with its parent" }));
    expect([...app.view.selection]).toEqual([0, 3]);
    await pointer(plot, "contextmenu", NOWHERE, { button: 2 });
    expect(screen.getByRole("menu", { name: "Model scatterplot" })).toBeTruthy();
  });
});

describe("the map", () => {
  async function open(address = ""): Promise<{ app: AppState; tree: HTMLElement }> {
    const app = makeApp({ address: `/overview?${address}` });
    show(ModelMap, {}, app);
    return { app, tree: screen.getByRole("tree") };
  }

  it("is walked to children, siblings and parents, and folds", async () => {
    const { app, tree } = await open();
    app.view.hover(0);
    await fireEvent.keyDown(tree, { key: "ArrowRight" });
    const child = app.view.hovered!;
    expect(TABLE.base[child]).toBe(0);
    await fireEvent.keyDown(tree, { key: "ArrowDown" });
    expect(app.view.hovered).not.toBe(child);
    await fireEvent.keyDown(tree, { key: "ArrowUp" });
    expect(app.view.hovered).toBe(child);
    await fireEvent.keyDown(tree, { key: " " });
    expect([...app.view.selection]).toEqual([child]);
    await fireEvent.keyDown(tree, { key: " " });
    expect([...app.view.selection]).toEqual([]);
  });
  it("zooms with the keys and shows everything again", async () => {
    const { tree } = await open();
    const fit = screen.getByRole<HTMLButtonElement>("button", { name: "Fit" });
    await waitFor(() => expect(fit.disabled).toBe(true));
    await fireEvent.keyDown(tree, { key: "+" });
    await waitFor(() => expect(fit.disabled).toBe(false));
    await fireEvent.keyDown(tree, { key: "0" });
    await waitFor(() => expect(fit.disabled).toBe(true));
  });
  it("selects the models of a column", async () => {
    const { app } = await open();
    const heading = screen.getByTitle(/^prune|Step \d+: prune|prune, /);
    await fireEvent.click(heading.closest("button") ?? heading);
    expect([...app.view.selection].sort()).toEqual([1, 3]);
  });
});

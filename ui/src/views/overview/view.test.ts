// @vitest-environment jsdom
import { ACCURACY, makeApp, NEVER, Problem, server, show, TABLE, type Answers, type AppOptions } from "@/testing/app";
import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { Effect, SelectionAnswer } from "@/api/models";
import type { AppState } from "@/state/app";
import { testTable } from "@/state/testing";
import { details, modelOf } from "@/testing/models";
import Overview from "./Overview.svelte";

const SELECTION: SelectionAnswer = {
  variables: [{ name: "amount", kind: "parameter", values: [0.5, 0.9] }],
  rows: { p50: [0.5], p90: [0.9] },
  chart: { x: "amount", color: null, facet: null },
  constant: [],
  also: [],
  reason: null,
  suggestion: null,
};
const EFFECT: Effect = {
  operation: "finetune",
  parameter: null,
  condition: null,
  metric: "Accuracy",
  pairs: 1,
  mean: 0.07,
  median: 0.07,
  skewed: false,
  ci_low: 0.05,
  ci_high: 0.09,
  models: [["p50", "p50-ft"]],
  interval: "sign-flip test, 50%",
  confidence: 0.5,
  non_finite: 0,
  missing: 0,
};
const REALITY = {
  model: "p50",
  root: "cnn",
  sparsity: 0.5,
  bits: 32,
  packed_bytes: 200_000,
  packed_ratio: 2,
  stored_bytes: 400_000,
  stored_ratio: 1,
  gzip_bytes: null,
  macs: 1_000_000,
  macs_ratio: 1,
  peak_memory_bytes: null,
  latency_s: null,
  latency_iqr_s: null,
  latency_device: null,
  latency_ratio: null,
  onnx_bytes: null,
  onnx_latency_s: null,
  onnx_latency_iqr_s: null,
  onnx_latency_device: null,
  onnx_latency_ratio: null,
  integer_products: null,
  onnx_integer_products: null,
  agrees: false,
  causes: [],
  reason: "Zeros are stored as zeros.",
  missing: ["latency"],
  measurable: true,
};
const COVERAGE = {
  base: "cnn",
  counts: { changed: 1, unchanged: 2 },
  tensors: [{ tensor: "conv.weight", status: "changed", shape: "4x3", values: 12, changed: 0.5 }],
};
const FULL: Answers = {
  "GET model": modelOf(TABLE),
  "POST reality": { models: [REALITY] },
  "GET model/coverage": COVERAGE,
  "POST selection": SELECTION,
  "GET effects": { effects: [EFFECT] },
};

function open(address = "", options: AppOptions = {}): AppState {
  const app = makeApp({ answers: FULL, address: `/overview?${address}`, ...options });
  show(Overview, {}, app);
  return app;
}

const panel = (): HTMLElement => screen.getByRole("tabpanel");

describe("an empty overview", () => {
  it("says how to begin, with code to copy", () => {
    open("", { table: testTable([]) });
    expect(screen.getByRole("heading", { level: 2 })).toBeTruthy();
    const codes = [...document.querySelectorAll("pre")].map(({ textContent }) => textContent);
    expect(codes[0]).toContain('cc.open("demo")');
    expect(codes[1]).toContain("compress-compare import");
  });
  it("has neither map nor plot", () => {
    open("", { table: testTable([]) });
    expect(screen.queryByRole("tablist")).toBeNull();
  });
});

describe("the map", () => {
  it("is a tree for those who do not see it, walked with the keys", async () => {
    const app = open();
    const tree = screen.getByRole("tree");
    app.view.hover(0);
    const item = await within(tree).findByRole("treeitem");
    expect(item.textContent).toMatch(/cnn; train[^]*; Accuracy 98\.0%; Size 400.kB/);
    expect([item.getAttribute("aria-level"), item.getAttribute("aria-expanded")]).toEqual(["1", "true"]);
    await fireEvent.keyDown(tree, { key: "ArrowRight" });
    expect(TABLE.base[app.view.hovered!]).toBe(0);
    await fireEvent.keyDown(tree, { key: "ArrowLeft" });
    expect(app.view.hovered).toBe(0);
    await fireEvent.keyDown(tree, { key: "Enter" });
    expect(app.view.state.selection).toEqual(["cnn"]);
  });
  it("adds parents and children to the selection", async () => {
    const app = open("sel=p50");
    await fireEvent.click(screen.getByTitle("Add the parents of the selected models"));
    expect(app.view.state.selection).toEqual(["p50", "cnn"]);
    await fireEvent.click(screen.getByTitle("Add all descendants of the selected models"));
    expect([...app.view.state.selection].sort()).toEqual(["cnn", "new", "p50", "p50-ft", "p90"]);
  });
  it("folds what is below the selected models, and unfolds it", async () => {
    const app = open("sel=p50");
    await fireEvent.click(screen.getByRole("button", { name: "Collapse" }));
    expect(app.view.state.collapsed).toEqual(["p50"]);
    await fireEvent.click(screen.getByRole("button", { name: "Expand" }));
    expect(app.view.state.collapsed).toEqual([]);
  });
  it("is arranged by operation or by step", async () => {
    const app = open();
    await fireEvent.click(screen.getByRole("button", { name: "By step" }));
    expect(app.view.arrangement).toBe("step");
    expect(screen.getByRole("button", { name: "By step" }).getAttribute("aria-pressed")).toBe("true");
  });
  it("offers pictures and a table to save", async () => {
    open();
    await fireEvent.click(screen.getByRole("button", { name: "Map menu" }));
    const items = screen.getAllByRole("menuitem").map(({ textContent }) => textContent);
    expect(items.map((text) => /SVG|PNG|CSV/.exec(text!)?.[0])).toEqual(["SVG", "PNG", "CSV", undefined]);
  });
});

describe("the scatterplot", () => {
  it("shows any metric against any other", async () => {
    const app = open();
    expect([app.view.x, app.view.y]).toEqual(["Size", "Accuracy"]);
    const plot = screen.getByRole("region", { name: "Model scatterplot" });
    const select = within(plot).getAllByRole<HTMLSelectElement>("combobox")[0]!;
    await fireEvent.change(select, { target: { value: select.value === "Size" ? "Accuracy" : "Size" } });
    expect(app.view.x === app.view.y).toBe(true);
  });
  it("lists the models of the frontier, and selects them", async () => {
    const app = open("list=frontier");
    const table = screen.getAllByRole("table")[0]!;
    const buttons = within(table).getAllByRole("button");
    const ids = buttons.map(({ title }) => title);
    for (const { textContent, title } of buttons.filter(({ title }) => title !== "cnn")) {
      expect(textContent).not.toBe(title);
    }
    // p90 is smaller than all, p50-ft as small as p50 and better, cnn the best
    expect([...ids].sort()).toEqual(["cnn", "p50-ft", "p90"]);
    await fireEvent.click(buttons.find(({ title }) => title === "p90")!);
    expect(app.view.state.selection).toEqual(["p90"]);
    await fireEvent.click(screen.getByRole("button", { name: /all 3/ }));
    expect([...app.view.state.selection].sort()).toEqual(["cnn", "p50-ft", "p90"]);
  });
});

describe("the details without a selection", () => {
  it("propose the frontier", async () => {
    const app = open();
    await fireEvent.click(within(panel()).getByRole("button", { name: /3 models on the frontier/ }));
    expect([...app.view.state.selection].sort()).toEqual(["cnn", "p50-ft", "p90"]);
  });
  it("go from tab to tab with the arrow keys", async () => {
    const app = open();
    const tabs = screen.getByRole("tablist", { name: "Details" });
    await fireEvent.keyDown(tabs, { key: "ArrowRight" });
    expect(app.view.state.tab).toBe("filters");
    await fireEvent.keyDown(tabs, { key: "ArrowLeft" });
    await fireEvent.keyDown(tabs, { key: "ArrowLeft" });
    expect(app.view.state.tab).toBe("history");
    expect(document.activeElement?.textContent).toContain("History");
  });
});

describe("the details of one model", () => {
  it("say what it is, what it measures and how it came about", async () => {
    const app = open("sel=p50-ft");
    expect(within(panel()).getByRole("heading", { level: 3 }).textContent).toBe("p50-ft");
    const [metrics, lineage] = within(panel()).getAllByRole("table");
    expect(metrics!.textContent).toMatch(/Accuracy[^]*97[^]*\+7\.0.pp[^]*−1\.0.pp/);
    const steps = within(lineage!).getAllByRole("row").slice(1);
    expect(steps.map((row) => within(row).getByRole("button").title.split(":")[0])).toEqual(["cnn", "p50", "p50-ft"]);
    await fireEvent.click(within(steps[0]!).getByRole("button"));
    expect(app.view.state.selection).toEqual(["cnn"]);
  });
  it("wait for what is not in the table", async () => {
    open("sel=p50", { answers: { ...FULL, "GET model": NEVER } });
    await waitFor(() => expect(server.of("GET model").length).toBe(1));
    expect(screen.queryByLabelText("Note")).toBeNull();
    expect(panel().textContent).toContain("90");
  });
  it("say why the rest is not known", async () => {
    open("sel=p50", {
      answers: { ...FULL, "GET model": new Problem("model.unknown", "No such model.", "", "Reload.") },
    });
    expect((await within(panel()).findByRole("alert")).textContent).toMatch(/No such model.[^]*Reload./);
  });
  it("take a note, saved when it is left", async () => {
    const saved = details("p50", { note: "worse" });
    open("sel=p50", { answers: { ...FULL, "PATCH model": saved } });
    const note = await screen.findByLabelText("Note");
    await fireEvent.input(note, { target: { value: "worse" } });
    await fireEvent.blur(note);
    await waitFor(() => expect(server.of("PATCH model")[0]!.body).toEqual({ note: "worse" }));
    await waitFor(() => expect(screen.getByText("Saved")).toBeTruthy());
  });
  it("take tags and let go of them", async () => {
    const answers = { ...FULL, "PATCH model": details("p50", { tags: ["half", "mine"] }) };
    open("sel=p50", { answers });
    const field = await screen.findByLabelText("Add a tag");
    await fireEvent.input(field, { target: { value: " mine " } });
    await fireEvent.keyDown(field, { key: "Enter" });
    await waitFor(() => expect(server.of("PATCH model")[0]!.body).toEqual({ tags: ["half", "mine"] }));
    await fireEvent.click(await screen.findByRole("button", { name: "Remove the tag mine" }));
    await waitFor(() => expect(server.of("PATCH model")[1]!.body).toEqual({ tags: ["half"] }));
  });
  it("say what was not saved", async () => {
    open("sel=p50", { answers: { ...FULL, "PATCH model": new Problem("x", "Read only.") } });
    const note = await screen.findByLabelText("Note");
    await fireEvent.input(note, { target: { value: "x" } });
    await fireEvent.blur(note);
    expect((await screen.findByRole("alert")).textContent).toContain("Read only.");
  });
  it("hold the claim against what is stored, and measure what is missing", async () => {
    open("sel=p50", { answers: { ...FULL, "POST jobs": {} } });
    const check = await screen.findByRole("region", { name: "Reality check" });
    expect(check.textContent).toMatch(/Zeros are stored as zeros./);
    expect(within(check).getByRole("rowheader", { name: "packed" }).parentElement!.textContent).toContain("smaller");
    await fireEvent.click(within(check).getByRole("button"));
    await waitFor(() => expect(server.of("POST jobs")[0]!.body).toEqual({ kind: "measure", models: ["p50"] }));
  });
  it("prove tensor by tensor what changed", async () => {
    open("sel=p50");
    await fireEvent.click(await screen.findByRole("button", { name: "Show tensors" }));
    const table = screen.getByRole("region", { name: "Tensors" });
    expect(table.textContent).toMatch(/conv.weight[^]*changed[^]*50\.0%/);
  });
  it("list the files", async () => {
    open("sel=cnn");
    await waitFor(() => expect(panel().textContent).toMatch(/model.safetensors[^]*abcdef01/));
  });
});

describe("the details of several models", () => {
  it("say in what they differ, and chart each metric", async () => {
    const app = open("sel=p50&sel=p90");
    const charts = await screen.findAllByRole("group", { name: /^(Accuracy|Size)$/ });
    expect(charts.length).toBe(2);
    const bars = within(charts[0]!).getAllByRole("button");
    expect(bars.map((bar) => bar.getAttribute("aria-label"))).toEqual([
      expect.stringMatching(/0\.5.*90/),
      expect.stringMatching(/0\.9.*40/),
    ]);
    await fireEvent.click(bars[0]!);
    expect(app.view.state.selection).toEqual(["p50"]);
  });
  it("are a table where one wants it, sorted by any column", async () => {
    const app = open("sel=p50&sel=p90&as=table");
    const table = await screen.findByRole("region", { name: "Selected models" });
    const ids = (): (string | null)[] =>
      within(table)
        .getAllByRole("row")
        .slice(1)
        .map((row) => row.querySelector("td")!.textContent!.trim());
    expect(ids()).toEqual(["p50", "p90"]);
    await fireEvent.click(within(table).getByRole("button", { name: /Accuracy/ }));
    expect(ids()).toEqual(["p50", "p90"]);
    await fireEvent.click(within(table).getByRole("button", { name: /Accuracy/ }));
    expect(ids()).toEqual(["p90", "p50"]);
    await fireEvent.click(within(table).getByRole("button", { name: /Accuracy/ }));
    expect(app.view.state.comparing.sort).toBeNull();
  });
  it("leave out the models of a value", async () => {
    const app = open("sel=p50&sel=p90");
    const values = await screen.findByRole("group", { name: "What differs" });
    await fireEvent.click(within(values).getAllByRole("checkbox")[0]!);
    expect(app.view.state.selection).toEqual(["p90"]);
  });
  it("wait, and say why they cannot be compared", async () => {
    open("sel=p50&sel=p90", { answers: { ...FULL, "POST selection": NEVER } });
    await waitFor(() => expect(within(panel()).getByRole("status").textContent).toMatch(/2 models…/));
  });
  it("say why they cannot be compared", async () => {
    const wrong = new Problem("x", "Too many models.", "", "Select fewer.");
    open("sel=p50&sel=p90", { answers: { ...FULL, "POST selection": wrong } });
    expect((await within(panel()).findByRole("alert")).textContent).toMatch(/Too many models.[^]*Select fewer./);
  });
});

describe("the filters", () => {
  it("leave models with an operation, a value or a tag", async () => {
    const app = open("tab=filters");
    const boxes = within(panel()).getAllByRole<HTMLInputElement>("checkbox");
    const named = (name: string): HTMLElement => boxes.find((box) => box.parentElement!.textContent!.includes(name))!;
    await fireEvent.click(named("prune"));
    expect(app.view.left).toBe(2);
    await fireEvent.click(named("half"));
    expect(app.view.left).toBe(1);
    await fireEvent.click(named("prune"));
    expect(app.view.left).toBe(1);
  });
  it("can be taken away together", async () => {
    const app = open("tab=filters&op=prune");
    expect(app.view.left).toBe(2);
    const all = within(panel())
      .getAllByRole<HTMLButtonElement>("button")
      .find((button) => !button.disabled)!;
    await fireEvent.click(all);
    expect(app.view.left).toBe(5);
  });
});

describe("the effects", () => {
  it("say what an operation does on average, and show its pairs", async () => {
    const app = open("tab=effects");
    const sentence = await within(panel()).findByRole("button", { name: /finetune/ });
    expect(sentence.textContent).toMatch(/Accuracy by .*7/);
    await fireEvent.click(sentence);
    await fireEvent.click(within(panel()).getByTitle(/^p50 → p50-ft/));
    expect([...app.view.state.selection].sort()).toEqual(["p50", "p50-ft"]);
    expect(server.of("GET effects")[0]!.query.get("metric")).toBe("Accuracy");
  });
  it("are asked for another metric", async () => {
    open("tab=effects");
    await fireEvent.change(await screen.findByLabelText("Metric of the effects"), { target: { value: "Size" } });
    await waitFor(() => expect(server.of("GET effects").at(-1)!.query.get("metric")).toBe("Size"));
  });
  it("wait", async () => {
    open("tab=effects", { answers: { ...FULL, "GET effects": NEVER } });
    expect(within(panel()).getByRole("status").textContent).toMatch(/…$/);
  });
  it("say why they are not known", async () => {
    open("tab=effects", { answers: { ...FULL, "GET effects": new Problem("x", "No such metric.") } });
    expect((await within(panel()).findByRole("alert")).textContent).toContain("No such metric.");
  });
  it("say that there are none", async () => {
    open("tab=effects", { answers: { ...FULL, "GET effects": { effects: [] } } });
    await waitFor(() => expect(within(panel()).queryByRole("status")).toBeNull());
    expect(within(panel()).queryByRole("listitem")).toBeNull();
    expect(panel().textContent!.trim().length).toBeGreaterThan(20);
  });
});

describe("a project without numbers", () => {
  it("asks for none that it lacks", async () => {
    open("sel=a", {
      table: testTable([{ id: "a" }, { id: "b", base: "a" }], [ACCURACY]),
      answers: { ...FULL, "GET model": details("a"), "POST reality": new Problem("x", "unknown") },
    });
    expect(panel().textContent).toContain("missing");
  });
});

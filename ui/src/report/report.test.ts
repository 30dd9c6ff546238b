// @vitest-environment jsdom
import { makeApp, show, TABLE } from "@/testing/app";
import { fireEvent, render, screen, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { behaviors, group, SUMMARY } from "@/testing/behaviors";
import { testTable } from "@/state/testing";
import { modelOf } from "@/testing/models";
import { MISSING } from "@/format";
import { primaryMetrics } from "@/widgets/facts";
import { metricOf } from "@/views/behaviors/metrics";
import DataTable from "./DataTable.svelte";
import type { BehaviorsSection, LayersSection, ReportDocument } from "./document";
import Report from "./Report.svelte";
import { claimsTable, groupsTable, layersTable, modelsTable, summaryTable, type Table } from "./tables";

const texts = (table: Table): string[][] => table.rows.map((row) => row.map(({ text }) => text));
const CORRECT = metricOf("correct", true);

const BEHAVIORS: BehaviorsSection = {
  dataset: "test",
  problem: null,
  metric: "correct",
  meaning: "Whether the prediction is the label.",
  higher_is_better: true,
  num_instances: 10,
  summary: [SUMMARY],
  groups: [group("0", { hurt: true })],
  instances: [{ id: "x0", label: 0, image: null, text: "a text", predictions: [0, 1] }],
};
const LAYERS: LayersSection = {
  problem: null,
  models: ["cnn", "p50"],
  rows: [
    { module: "conv", model: "p50", num_parameters: 10, sqnr_db: 20, num_zeros: 5 },
    { module: "head", model: "p50", num_parameters: 10, sqnr_db: "Infinity", num_zeros: 0 },
  ],
  left_out: 3,
  partial: { p50: "38 of 41 tensors, 96.2% of the weights compared" },
  suspects: [{ module: "conv", model: "p50", reason: "5 times the others" }],
};
const REPORT: ReportDocument = {
  kind: "report",
  models: ["cnn", "p50"],
  base: "cnn",
  day: "2026-01-02",
  version: "1.2.3",
  claims: [
    {
      model: "p50",
      agrees: false,
      causes: ["zeros_stored"],
      claim: "90% zeros claimed, 0% found.",
      reason: "90% zeros claimed, 0% found. The file is as large.",
      counts: { changed: 12, skipped: 1 },
      names: ["head.weight"],
    },
    { model: "cnn", agrees: null, causes: [], claim: "", reason: "Nothing is claimed.", counts: {}, names: [] },
  ],
  behaviors: [BEHAVIORS],
  layers: LAYERS,
};

describe("the tables of a report", () => {
  it("say of models how they were made and what changed", () => {
    const table = modelsTable(TABLE, primaryMetrics(TABLE.metrics), [0, 2]);
    expect(table.columns.map(({ name }) => name)).toEqual(["model", "made by", "Accuracy", "change", "Size", "change"]);
    const [base, tuned] = texts(table);
    expect([base![0], base![3]]).toEqual(["cnn", ""]);
    expect(tuned![1]).toMatch(/prune.*→ finetune/);
    expect(tuned![3]).toMatch(/^−1\.0.pp$/);
    expect(table.rows[1]![3]!.tone).toBe("bad");
    expect(table.rows[1]![5]!.tone).toBe("good");
    const tie = modelsTable(TABLE, primaryMetrics(TABLE.metrics), [0, 2], { errorOf: () => 0.01 });
    expect(tie.rows[1]![3]!.tone).toBe("neutral");
  });
  it("call models by their difference, with the id beside it", () => {
    const nameOf = (id: string): string => (id === "p50-ft" ? "prune 0.5 → ft" : id);
    const table = modelsTable(TABLE, primaryMetrics(TABLE.metrics), [0, 2], { nameOf });
    expect(table.columns.slice(0, 3).map(({ name }) => name)).toEqual(["model", "id", "made by"]);
    expect(texts(table)[1]!.slice(0, 2)).toEqual(["prune 0.5 → ft", "p50-ft"]);
  });
  it("say first what was claimed, and then what the tensors show", () => {
    const [pruned, root] = texts(claimsTable(REPORT.claims));
    expect(pruned!.map((text) => text.replace(/\u00a0/g, " "))).toEqual([
      "p50",
      "90% zeros claimed, 0% found.",
      "file size not as claimed",
      "The file is as large.",
      "1 of 13 tensors needs a look. 1 skipped unexpectedly, 12 changed: head.weight",
    ]);
    expect(root!.slice(2)).toEqual([MISSING, "Nothing is claimed.", MISSING]);
  });
  it("say how models answered against the base", () => {
    const table = summaryTable(CORRECT, { base: "cnn" }, [SUMMARY]);
    expect(table.rows.length).toBe(2);
    expect(texts(table)[0]![0]).toBe("cnn");
    expect(texts(table)[1]!.join(" ")).toMatch(/p50 .*70.*−20/);
    expect(table.rows.every((row) => row.length === table.columns.length)).toBe(true);
  });
  it("mark the classes that a model hurts", () => {
    const table = groupsTable(CORRECT, [group("0", { hurt: true }), group("1")]);
    expect(table.rows.map((row) => row.some(({ strong }) => strong))).toEqual([true, false]);
  });
  it("have a row for each layer", () => {
    const table = layersTable(LAYERS as Extract<LayersSection, { problem: null }>);
    expect(texts(table).map(([module]) => module)).toEqual(["conv", "head"]);
    expect(texts(table)[0]!.join(" ")).toMatch(/20.*50/);
    expect(table.rows.every((row) => row.length === table.columns.length)).toBe(true);
  });
});

describe("a table that can be taken along", () => {
  const columns = [{ name: "model" }, { name: "size", align: "right" as const }];
  const rows = [[{ text: "a|b" }, { text: "1" }]];
  const take = async (format: string): Promise<string> => {
    await fireEvent.click(screen.getByRole("button", { name: format }));
    return screen.getByRole<HTMLTextAreaElement>("textbox").value.trim();
  };

  it("is shown in each format, and hidden again", async () => {
    render(DataTable, { label: "Models", columns, rows });
    expect(await take("Markdown")).toMatch(/^\| model\s*\|\s*size \|\n.*:.*\n\| a\\\|b\s*\|\s*1 \|$/);
    expect(await take("LaTeX")).toMatch(/tabular[^]*a\|b|textbar/);
    expect(await take("CSV")).toBe("model,size\r\na|b,1".replace("\r", screen.getByRole("textbox").textContent ?? ""));
    await fireEvent.click(screen.getByRole("button", { name: "CSV" }));
    expect(screen.queryByRole("textbox")).toBeNull();
  });
  it("selects all of it for whoever wants to copy", async () => {
    render(DataTable, { label: "Models", columns, rows });
    await take("Markdown");
    const box = screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Models as Markdown" });
    await fireEvent.focus(box);
    expect([box.selectionStart, box.selectionEnd]).toEqual([0, box.value.length]);
  });
});

describe("a report", () => {
  function open(change: Partial<ReportDocument> = {}, table = TABLE) {
    const app = makeApp({
      table,
      address: "/overview?sel=cnn&sel=p50",
      answers: {
        "POST selection": { variables: [], rows: { cnn: [], p50: [] }, chart: {}, constant: [] },
        "GET effects": { effects: [] },
        "GET model": modelOf(TABLE),
        "POST reality": { models: [] },
        "POST behaviors": behaviors(),
      },
    });
    render(Report, { app, contents: { ...REPORT, ...change } });
    return app;
  }

  it("says what it is about, and holds all its tables", () => {
    open();
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("demo");
    const article = screen.getByRole("article");
    expect(article.textContent).toMatch(/2026-01-02[^]*2.models[^]*of 5[^]*cnn/);
    for (const name of ["Models compared", "Behaviors on test", "Classes and groups of test", "Layers"]) {
      expect(within(article).getByRole("table", { name })).toBeTruthy();
    }
    expect(article.textContent).toContain("prune 0.5: 38 of 41 tensors, 96.2% of the weights compared.");
    expect(within(article).getAllByRole("heading", { level: 2 })[0]!.textContent).toBe("Verdict");
    expect(article.textContent).toMatch(/5 times the others[^]*3.more layers[^]*1\.2\.3/);
  });
  it("shows the examples that changed, the wrong answers marked", () => {
    open();
    const answers = [...document.querySelectorAll("dd")].filter((answer) => answer.closest("li"));
    expect(answers.map((answer) => [answer.textContent!.trim(), answer.classList.contains("wrong")])).toEqual([
      ["0", false],
      ["1", true],
    ]);
  });
  it("has no verdict, scatterplot or effects where nothing was measured", () => {
    const bare = testTable(
      [
        { id: "cnn", operation: "train", values: [] },
        { id: "p50", base: "cnn", operation: "prune", values: [] },
      ],
      [],
    );
    open({ behaviors: [], layers: null }, bare);
    const headings = screen.getAllByRole("heading", { level: 2 }).map(({ textContent }) => textContent);
    expect(headings).not.toContain("Verdict");
    expect(headings.join()).not.toMatch(/What operations do|No metrics yet/);
    expect(screen.getByRole("table", { name: "Models compared" })).toBeTruthy();
  });
  it("says why a part is not there", () => {
    open({
      behaviors: [{ dataset: "test", problem: "No outputs on test." }],
      layers: { problem: "cnn has no checkpoint." },
    });
    expect(screen.getByText("No outputs on test.")).toBeTruthy();
    expect(screen.getByText("cnn has no checkpoint.")).toBeTruthy();
  });
  it("leads back to its models", async () => {
    const app = open();
    app.view.select([3]);
    await fireEvent.click(await screen.findByRole("button", { name: /Back to the models/ }));
    expect(app.view.state.selection).toEqual(["cnn", "p50"]);
    app.view.select([3]);
    await fireEvent.keyDown(window, { key: "Escape" });
    expect(app.view.state.selection).toEqual(["cnn", "p50"]);
  });
  it("is nothing before the models are there", () => {
    const app = makeApp();
    app.project.table = null;
    render(Report, { app, contents: REPORT });
    expect(screen.queryByRole("article")).toBeNull();
    expect(show).toBeTruthy();
  });
});

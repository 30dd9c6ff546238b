// @vitest-environment jsdom
import { makeApp, Problem, server, show, TABLE, type Answers } from "@/testing/app";
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { GateCheck } from "@/api/gate";
import type { AppState } from "@/state/app";
import { testTable } from "@/state/testing";
import { job } from "@/testing/jobs";
import Details from "../details/Details.svelte";
import { releaseActions } from "./actions";
import Dialogs from "./Dialogs.svelte";
import { drawn, firstRules } from "./gateRules";

const CHECK: GateCheck = {
  ...{ rule: "Accuracy: max_drop 0.02", kind: "metric", outcome: "undecided", value: 0.016, low: 0.005, high: 0.029 },
  ...{
    limit: 0.02,
    count: 746,
    method: "paired",
    shown: "1.6 pp (0.5 pp to 2.9 pp)",
    reason: "Not enough data.",
    line: 2,
  },
  details: [],
};
const GATE = {
  ...{ model: "p50", base: "cnn", outcome: "undecided" },
  checks: [CHECK, { ...CHECK, outcome: "fail", rule: "classes", details: [{ class: "cat", drop: 0.25, count: null }] }],
};
const KEPT = "rules:\n  - {metric: Accuracy, max_drop: 0.01}\n";

function ask(kind: "gate" | "ship" | "evaluate", answers: Answers, table = TABLE): AppState {
  const app = makeApp({ table, answers: { "GET project": new Problem("x", "Not asked here."), ...answers } });
  show(Dialogs, {}, app);
  app.changes.ask({ kind, model: "p50" });
  return app;
}

const click = async (name: string | RegExp): Promise<void> => {
  await fireEvent.click(await screen.findByRole("button", { name }));
};
const rules = (): HTMLTextAreaElement => screen.getByLabelText(/^Rules/);

describe("a gate", () => {
  it("begins with rules that suit the metrics, or those that are kept", async () => {
    expect(firstRules(TABLE.metrics)).toBe(
      'rules:\n  - {metric: "Accuracy", max_drop: 0.02}\n  - {metric: "Size", max_ratio: 0.5}\n' +
        "  - {right_to_wrong: {max_rate: 0.03}}\n",
    );
    ask("gate", { "GET gate/rules": { rules: KEPT } });
    await waitFor(() => expect(rules().value).toBe(KEPT));
    expect(screen.queryByRole("button", { name: /^Keep/ })).toBeNull();
  });
  it("holds a model against a base, and shows each verdict with its interval", async () => {
    ask("gate", { "GET gate/rules": { rules: null }, "POST gate": GATE });
    await fireEvent.input(await screen.findByLabelText(/^It must/), { target: { value: "p90" } });
    await click("Check");
    expect((await screen.findByText("Not enough data")).closest("p")!.textContent).toMatch(
      /against cnn: 0 of 2 rules pass, 1\s+fail, 1 undecided/,
    );
    expect(server.of("POST gate")[0]!.body).toEqual({ model: "p50", base: "p90", rules: firstRules(TABLE.metrics) });
    expect(screen.getAllByText(/1.6 pp \(0.5 pp to 2.9 pp\)/)).toHaveLength(2);
    await click("Show all 1");
    expect(screen.getByText("class cat · drop 0.25")).toBeTruthy();
    await fireEvent.input(rules(), { target: { value: KEPT } });
    expect(screen.getByText("The rules were edited since.")).toBeTruthy();
  });
  it("shows the line of a wrong rule, and keeps rules that are right", async () => {
    let wrong = true;
    ask("gate", {
      "GET gate/rules": { rules: null },
      "POST gate": new Problem("metric.unknown", "There is no metric 'Acuracy'.", "Line 2."),
      "POST gate/rules": () =>
        wrong ? new Problem("config.value", "A rule is a mapping.", "Line 2.") : { rules: KEPT },
    });
    await click("Check");
    expect((await screen.findByRole("alert")).textContent).toContain("Line 2.");
    await fireEvent.input(rules(), { target: { value: KEPT } });
    await click(/^Keep/);
    expect(await screen.findByText(/A rule is a mapping/)).toBeTruthy();
    wrong = false;
    await click(/^Keep/);
    expect(await screen.findByText("Rules, as the project keeps them")).toBeTruthy();
  });
  it("puts interval and bound on one axis", () => {
    const place = drawn(CHECK)!;
    expect(place.low).toBeLessThan(place.value);
    expect(place.value).toBeLessThan(place.limit);
    expect(place.limit).toBeLessThan(place.high);
    // 0.005 to 0.029 with a tenth of room on each side
    expect(place.value).toBeCloseTo((0.016 - 0.005 + 0.0024) / (0.024 + 0.0048), 10);
    expect(drawn({ ...CHECK, value: null, low: null, high: null })).toBeNull();
    expect(drawn({ ...CHECK, high: Infinity })).toBeNull();
  });
});

const FORMATS = {
  formats: [
    { name: "packed", summary: "one file", extra: "", needs_network: false },
    { name: "onnx", summary: "a graph", extra: "onnx", needs_network: true },
  ],
  roots: [] as string[],
};

describe("shipping", () => {
  it("runs nothing where no task is known, and shows the child that it made", async () => {
    const table = testTable(
      [
        { id: "cnn", operation: "train", values: [1, 5] },
        { id: "p50", base: "cnn", operation: "prune", values: [1, 5] },
        { id: "p50 (packed)", base: "p50", operation: "ship", parameters: { format: "packed" }, values: [0.5, 5952] },
      ],
      [
        { ...TABLE.metrics[0]!, name: "Agreement" },
        { ...TABLE.metrics[1]!, name: "Shipped Size" },
      ],
    );
    const started = job({ id: "s1", kind: "ship", state: "running", message: "writing" });
    const app = ask("ship", { "GET ship/formats": FORMATS, "POST jobs": started }, table);
    await screen.findByText(/No task is attached to/);
    await click("Ship");
    expect(await screen.findByText("writing")).toBeTruthy();
    expect(server.of("POST jobs")[0]!.body).toEqual({ kind: "ship", model: "p50", format: "packed", sample: 0 });
    app.jobs.all = [{ ...started, state: "done", message: "5,952 bytes" }];
    expect(await screen.findByText("5.95 kB")).toBeTruthy();
    expect(screen.getByText("50.0% of predictions")).toBeTruthy();
    await click("p50 (packed)");
    expect([app.view.selection, app.changes.question]).toEqual([[2], null]);
  });
  it("says what a format needs, and why it failed", async () => {
    const error = { code: "ship.cannot_hold", title: "onnx cannot hold it.", detail: "", hint: "Take packed." };
    const failed = job({ id: "s2", kind: "ship", state: "failed", error });
    ask("ship", { "GET ship/formats": { ...FORMATS, roots: ["cnn"] }, "POST jobs": failed });
    await screen.findByRole("option", { name: "onnx" });
    await fireEvent.change(screen.getByLabelText("Format"), { target: { value: "onnx" } });
    expect(screen.getByText(/a graph/).textContent).toContain("It needs the extra onnx");
    await click("Ship");
    expect(await screen.findByText(/onnx cannot hold it\.\s+Take packed\./)).toBeTruthy();
    expect(server.of("POST jobs")[0]!.body).toMatchObject({ format: "onnx", sample: 256 });
  });
  it("is offered to whoever may run jobs, unless the project is only read", () => {
    const app = makeApp();
    const labels = () => releaseActions(app, "p50").flatMap(({ label, refusal }) => (refusal ? [] : [label]));
    expect(labels()).toEqual(["Check against rules…", "Ship…"]);
    app.project.info = { ...app.project.info!, read_only: true };
    expect(labels()).toEqual(["Check against rules…"]);
    app.project.info = { ...app.project.info!, read_only: false, role: "log" };
    expect(labels()).toEqual(["Check against rules…"]);
    app.project.info = { ...app.project.info!, role: "run" };
    expect(labels()).toEqual(["Check against rules…", "Ship…"]);
  });
});

const task = (root: string) => ({ root, allowed: true, path: "module:task", options: {}, folders: [] });
const TASKS = { tasks: [task("cnn"), task("mlp")] };

describe("evaluating", () => {
  it("starts a job for the models of each root that has a task, and says what is left out", async () => {
    const table = testTable(
      [
        { id: "cnn", operation: "train", values: [1, 5] },
        { id: "p50", base: "cnn", operation: "prune", values: [1, 5] },
        { id: "mlp", operation: "train", values: [1, 5] },
        { id: "other", operation: "train", values: [1, 5] },
      ],
      TABLE.metrics,
    );
    let count = 0;
    const started = () => job({ id: `e${count++}`, kind: "evaluate", state: "running", message: "evaluating p50" });
    ask("evaluate", { "GET tasks": TASKS, "POST jobs": started }, table);
    expect(await screen.findByRole("button", { name: /^Evaluate 1\smodel$/ })).toBeTruthy();
    await fireEvent.change(screen.getByLabelText("Models"), { target: { value: "all" } });
    await fireEvent.change(screen.getByLabelText("What"), { target: { value: "Accuracy" } });
    expect(screen.getByText(/^No task is attached to 1\sof these models/)).toBeTruthy();
    await click(/^Evaluate 3\smodels$/);
    expect(await screen.findAllByText("evaluating p50")).toHaveLength(2);
    expect(server.of("POST jobs").map(({ body }) => body)).toEqual([
      { kind: "evaluate", models: ["cnn", "p50"], metrics: ["Accuracy"] },
      { kind: "evaluate", models: ["mlp"], metrics: ["Accuracy"] },
    ]);
    expect((await screen.findByRole("button", { name: /^Evaluate 3/ })).hasAttribute("disabled")).toBe(true);
  });
  it("is offered for the selection, and not where no task is known", async () => {
    const app = ask("evaluate", { "GET tasks": { tasks: [] } });
    app.view.select([app.project.table!.indexOf.get("p50")!, app.project.table!.indexOf.get("p90")!]);
    expect(await screen.findByRole("option", { name: "the 2 selected" })).toBeTruthy();
    expect(await screen.findByText(/No task is attached/)).toBeTruthy();
    expect(screen.getByRole("button", { name: "Evaluate" }).hasAttribute("disabled")).toBe(true);
  });
});

describe("a condition", () => {
  it("keeps what the server finds, and everything where it is not understood", async () => {
    let reply: unknown = { models: ["p50", "p90"] };
    const app = makeApp({ answers: { "GET models/find": () => reply }, address: "/?tab=filters" });
    show(Details, {}, app);
    await fireEvent.change(screen.getByLabelText("Where"), { target: { value: "Size < 300 kB" } });
    await waitFor(() => expect([...app.view.passing]).toEqual([0, 1, 0, 1, 0]));
    expect(server.of("GET models/find")[0]!.query.get("where")).toBe("Size < 300 kB");
    expect(location.hash).toContain("where=Size");
    reply = new Problem("ask.name", "There is no column Bytes.", "", "Did you mean Size?");
    await fireEvent.change(screen.getByLabelText("Where"), { target: { value: "Bytes < 3" } });
    expect((await screen.findByRole("alert")).textContent).toContain("Did you mean Size?");
    expect(app.view.left).toBe(5);
    await click("Clear");
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  });
});

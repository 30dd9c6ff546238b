// @vitest-environment jsdom
import { makeApp, NEVER, Problem, server, show, TABLE, type Answers } from "@/testing/app";
import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import type { AppState } from "@/state/app";
import { layersOf } from "@/testing/layers";
import { modelOf } from "@/testing/models";
import Layers from "./Layers.svelte";

const FULL: Answers = {
  "GET model": modelOf(TABLE),
  "POST layers": layersOf(),
  "POST layers/suspects": { suspects: [] },
};

function open(address: string, answers: Answers = {}): AppState {
  const app = makeApp({ answers: { ...FULL, ...answers }, address: `/layers?${address}` });
  show(Layers, {}, app);
  return app;
}

const own = (app: AppState): Record<string, readonly string[]> =>
  new Proxy({ ...app.view.state.own }, { get: (values, name) => values[String(name)] ?? [] });
const grid = (): Promise<HTMLElement> => screen.findByRole("treegrid");
/** The names of the rows that are drawn, without the head. */
const names = (): (string | undefined)[] =>
  screen
    .getAllByRole("rowheader")
    .map((header) => header.textContent?.trim())
    .filter(Boolean);

describe("an empty page of layers", () => {
  it("proposes what was made from a root", async () => {
    const app = open("");
    expect(screen.getByRole("heading").textContent).toContain("Select");
    await fireEvent.click(await screen.findByRole("button", { name: /cnn/ }));
    expect(app.view.state.selection).toEqual(["cnn", "p50", "p90", "new"]);
  });
  it("proposes nothing that has no weights", async () => {
    open("", { "GET model": modelOf(TABLE, { checkpoint: null }) });
    await waitFor(() => expect(document.querySelector("pre")?.textContent).toContain("checkpoint="));
    expect(screen.getByText(/cnn.*logged without a checkpoint/)).toBeTruthy();
    expect(screen.queryByRole("button", { name: /Compare/ })).toBeNull();
  });
  it("waits for checkpoints", () => {
    open("sel=cnn", { "GET model": NEVER });
    expect(screen.getByRole("status").textContent).toMatch(/…$/);
    expect(document.querySelector("pre")).toBeNull();
  });
  it("shows how to log a checkpoint where there is none", async () => {
    open("sel=cnn", { "GET model": modelOf(TABLE, { checkpoint: null }) });
    await waitFor(() => expect(document.querySelector("pre")?.textContent).toContain("checkpoint="));
    expect(document.querySelector("pre")!.textContent).toContain("cnn");
  });
  it("says why it does not know", async () => {
    open("sel=cnn", { "GET model": new Problem("x", "The project cannot be read.") });
    expect((await screen.findByRole("alert")).textContent).toContain("The project cannot be read.");
  });
});

describe("a page of layers that waits or fails", () => {
  it("says that it reads", async () => {
    open("sel=cnn&sel=p50", { "POST layers": NEVER });
    await waitFor(() => expect(screen.getByText(/Reading 2 models/)).toBeTruthy());
  });
  it("says what is wrong", async () => {
    open("sel=cnn&sel=p50", { "POST layers": new Problem("x", "Broken file.", "p50 is damaged.", "Log it again.") });
    expect((await screen.findByRole("alert")).textContent).toMatch(/Broken file.[^]*damaged.[^]*Log it again./);
  });
  it("offers to compare again what was cancelled", async () => {
    open("sel=cnn&sel=p50", { "POST layers": new Problem("watch.cancelled", "The comparison was cancelled.") });
    const alert = await screen.findByRole("alert");
    server.set({ "GET jobs": { jobs: [] }, ...FULL });
    await fireEvent.click(within(alert).getByRole("button"));
    await grid();
    expect(screen.queryByRole("alert")).toBeNull();
  });
});

describe("the table of layers", () => {
  it("is a tree of modules, a column for each model", async () => {
    open("sel=cnn&sel=p50&depth=9");
    const table = await grid();
    expect(names()).toEqual(["All layers", "block", "conv", "weight", "norm", "weight", "head", "weight", "bias"]);
    expect(within(table).getAllByRole("columnheader").length).toBe(4);
    expect(table.getAttribute("aria-rowcount")).toBe("10");
    const levels = within(table)
      .getAllByRole("row")
      .slice(1)
      .map((row) => row.getAttribute("aria-level"));
    expect(levels).toEqual(["1", "2", "3", "4", "3", "4", "2", "3", "3"]);
  });
  it("opens and closes a module, by its triangle or with the keys", async () => {
    open("sel=cnn&sel=p50&depth=1");
    const table = await grid();
    expect(names()).toEqual(["All layers", "block", "head"]);
    await fireEvent.click(within(table).getAllByRole("button", { name: "Open" })[0]!);
    expect(names()).toEqual(["All layers", "block", "conv", "norm", "head"]);
    for (const key of ["Home", "ArrowDown", "ArrowLeft"]) await fireEvent.keyDown(table, { key });
    expect(names()).toEqual(["All layers", "block", "head"]);
    await fireEvent.keyDown(table, { key: "ArrowRight" });
    expect(names()).toContain("conv");
  });
  it("lists all layers flat", async () => {
    const app = open("sel=cnn&sel=p50");
    await grid();
    await fireEvent.click(screen.getByRole("button", { name: "Flat" }));
    expect(own(app).rows).toEqual(["flat"]);
    expect(names()).toEqual(["block.conv", "block.norm", "head"]);
  });
  it("finds layers by a text", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const app = open("sel=cnn&sel=p50&rows=flat");
      await vi.waitFor(() => expect(screen.getByRole("treegrid")).toBeTruthy());
      const input = screen.getByLabelText("Filter the layers by name");
      await fireEvent.input(input, { target: { value: "no" } });
      await fireEvent.input(input, { target: { value: "norm" } });
      expect(own(app).find).toEqual([]);
      await vi.advanceTimersByTimeAsync(200);
      expect(own(app).find).toEqual(["norm"]);
      await vi.waitFor(() => expect(names()).toEqual(["block.norm"]));
    } finally {
      vi.useRealTimers();
    }
  });
  it("says that none is found", async () => {
    open("sel=cnn&sel=p50&find=xyz&rows=flat");
    const table = await grid();
    expect(table.textContent).toContain("“xyz”");
  });
  it("sorts by a model's measure, the other way, and back", async () => {
    const app = open("sel=cnn&sel=p50&rows=flat");
    const table = await grid();
    const heading = within(table).getByTitle(/^p50/);
    await fireEvent.click(heading);
    // the lowest first, as high is good
    expect(own(app).sort).toEqual(["+model:p50"]);
    expect(names()).toEqual(["head", "block.conv", "block.norm"]);
    await fireEvent.click(heading);
    expect(names()).toEqual(["block.norm", "block.conv", "head"]);
    await fireEvent.click(heading);
    expect(own(app).sort).toEqual([]);
  });
  it("says in words what a cell shows", async () => {
    open("sel=cnn&sel=p50&rows=flat");
    const table = await grid();
    const head = within(table).getAllByRole("row").at(-1)!;
    const told = (): Element | null => head.querySelector('[title^="head in p50"], [aria-label^="head in p50"]');
    await waitFor(() => expect(told()).not.toBeNull());
  });
  it("marks the model and the layer that the pointer is on", async () => {
    const app = open("sel=cnn&sel=p50&rows=flat");
    const table = await grid();
    await fireEvent.pointerEnter(within(table).getByTitle(/^p50/));
    expect(app.view.hovered).toBe(1);
    await fireEvent.pointerLeave(within(table).getByTitle(/^p50/));
    expect(app.view.hovered).toBeNull();
  });
});

describe("the panel of a layer", () => {
  it("opens with a click and has all numbers of all models", async () => {
    const app = open("sel=cnn&sel=p50&rows=flat");
    const table = await grid();
    await fireEvent.click(within(table).getAllByRole("row").at(-1)!);
    expect(own(app).layer).toEqual(['["head"]']);
    const panel = await screen.findByRole("complementary");
    await waitFor(() => expect(within(panel).getAllByRole("row").length).toBeGreaterThan(10));
    const rows = within(panel).getAllByRole("row");
    const textOf = (name: string): string | undefined =>
      rows.find((row) => within(row).queryByRole("rowheader")?.textContent === name)?.textContent?.replace(/\s+/g, " ");
    expect(textOf("Standard deviation")).toContain("0.25");
    expect(textOf("Stored as")).toContain("float32".replace("float", "fp"));
    const asked = server.of("POST layers").slice(-2);
    expect(asked.map(({ body }) => body!.what).sort()).toEqual(["storage", "weights"]);
    expect(asked[0]!.body!.modules).toEqual(["", "head"]);
  });
  it("leads to its tensors", async () => {
    open(`sel=cnn&sel=p50&layer=${encodeURIComponent('["head"]')}`);
    const group = await screen.findByRole("group", { name: "Look into a tensor" });
    expect(
      within(group)
        .getAllByRole("button")
        .map((button) => button.textContent),
    ).toEqual(["weight", "bias"]);
  });
  it("closes with Escape", async () => {
    const app = open(`sel=cnn&sel=p50&layer=${encodeURIComponent('["head"]')}`);
    await screen.findByRole("complementary");
    await fireEvent.keyDown(window, { key: "Escape" });
    expect(own(app).layer).toEqual([]);
    expect(screen.queryByRole("complementary")).toBeNull();
  });
  it("walks with the arrow keys over the profile", async () => {
    const app = open(`sel=cnn&sel=p50&layer=${encodeURIComponent('["head"]')}`);
    const profile = await screen.findByRole("application", { name: /profile/ });
    await fireEvent.keyDown(profile, { key: "ArrowLeft" });
    expect(own(app).layer).toEqual(['["block.norm"]']);
    await fireEvent.keyDown(profile, { key: "ArrowRight" });
    await fireEvent.keyDown(profile, { key: "ArrowRight" });
    expect(own(app).layer).toEqual(['["head"]']);
  });
});

describe("the suspects", () => {
  it("say why, and lead to their layers", async () => {
    const suspects = [{ module: "head", model: "p50", score: 4, reason: "5 times the others" }];
    const app = open("sel=cnn&sel=p50", { "POST layers/suspects": { suspects } });
    const list = await screen.findByRole("region", { name: "Suspects" });
    await waitFor(() => expect(list.textContent).toContain("5 times the others"));
    await fireEvent.click(within(list).getAllByRole("button")[0]!);
    expect(own(app).layer).toEqual(['["head"]']);
  });
  it("list what changed most where no layer stands out", async () => {
    open("sel=cnn&sel=p50");
    const list = await screen.findByRole("region", { name: "Suspects" });
    await waitFor(() => expect(within(list).getAllByRole("button").length).toBe(1));
    expect(list.textContent).toMatch(/head/);
  });
  it("ask for another model where there is one", async () => {
    open("sel=cnn");
    const list = await screen.findByRole("region", { name: "Suspects" });
    expect(within(list).queryAllByRole("button").length).toBe(0);
    expect(server.of("POST layers/suspects")).toEqual([]);
  });
});

describe("the toolbar of layers", () => {
  it("asks for another mode", async () => {
    const app = open("sel=cnn&sel=p50");
    await grid();
    await fireEvent.click(screen.getByRole("button", { name: "Sparsity" }));
    expect(own(app).mode).toEqual(["sparsity"]);
    await waitFor(() => expect(server.of("POST layers").at(-1)!.body!.what).toBe("sparsity"));
  });
  it("asks for another base", async () => {
    open("sel=cnn&sel=p50");
    await grid();
    await fireEvent.change(screen.getByLabelText("Base"), { target: { value: "p50" } });
    await waitFor(() => expect(server.of("POST layers").at(-1)!.body!.base).toBe("p50"));
  });
  it("opens the tree as deep as one wants", async () => {
    open("sel=cnn&sel=p50&depth=1");
    await grid();
    await fireEvent.change(screen.getByLabelText("Depth"), { target: { value: "2" } });
    expect(names()).toEqual(["All layers", "block", "conv", "norm", "head"]);
  });
  it("chooses a measure, and colors by it", async () => {
    const app = open("sel=cnn&sel=p50");
    await grid();
    const select = screen.getByLabelText<HTMLSelectElement>("Measure");
    await fireEvent.change(select, { target: { value: "relative_error" } });
    expect(own(app).measure).toEqual(["relative_error"]);
    expect(screen.getByLabelText<HTMLSelectElement>("Measure").value).toBe("relative_error");
  });
});

describe("activations", () => {
  const notRun = (): Response => new Response(null, { status: 204 });
  const job = (state: string, more: Record<string, unknown> = {}) => ({
    id: "j1",
    kind: "activations",
    title: "x",
    state,
    progress: 0.5,
    message: "layer 1 of 2",
    reason: null,
    error: null,
    parent: null,
    model: null,
    attempts: 1,
    created_at: "2026-01-01T00:00:00Z",
    started_at: null,
    finished_at: null,
    ...more,
  });

  it("are compared by a job on as many examples as one wants", async () => {
    const app = open("sel=cnn&sel=p50&mode=activations", { "POST layers": notRun, "POST jobs": job("queued") });
    const form = await screen.findByRole("region", { name: "Compare activations" });
    await fireEvent.change(within(form).getByLabelText("Examples"), { target: { value: "32" } });
    server.answers["GET jobs"] = { jobs: [job("running")] };
    await fireEvent.submit(form.querySelector("form")!);
    expect(await within(form).findByRole("progressbar")).toBeTruthy();
    await waitFor(() => expect(within(form).getByRole("status").textContent).toBe("layer 1 of 2"));
    expect(server.of("POST jobs")[0]!.body).toEqual({
      kind: "activations",
      base: "cnn",
      models: ["cnn", "p50"],
      examples: 32,
    });
    Object.assign(server.answers, { "GET jobs": { jobs: [job("done")] }, "POST layers": layersOf() });
    await app.jobs.refresh();
    await grid();
  });
  it("say why the job failed", async () => {
    const app = open("sel=cnn&sel=p50&mode=activations", { "POST layers": notRun, "POST jobs": job("queued") });
    const form = await screen.findByRole("region", { name: "Compare activations" });
    const error = { code: "x", title: "Out of memory.", detail: "4 GB", hint: "Take fewer." };
    server.answers["GET jobs"] = { jobs: [job("failed", { error })] };
    await fireEvent.submit(form.querySelector("form")!);
    await app.jobs.refresh();
    expect((await within(form).findByRole("alert")).textContent).toMatch(/Out of memory.[^]*4 GB[^]*Take fewer./);
  });
  it("say why no job can be started", async () => {
    const refused = new Problem("config.no_task", "No task.", "cnn has none.");
    open("sel=cnn&sel=p50&mode=activations", { "POST layers": notRun, "POST jobs": refused });
    const form = await screen.findByRole("region", { name: "Compare activations" });
    await fireEvent.submit(form.querySelector("form")!);
    expect((await within(form).findByRole("alert")).textContent).toContain("No task.");
    expect(form.textContent).toContain("project.layers");
  });
});

// @vitest-environment jsdom
import { makeApp, NEVER, Problem, server, show, UNREACHABLE, type Answers, type AppOptions } from "@/testing/app";
import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { AppState } from "@/state/app";
import { behaviors, DATASET, INSTANCE, SUMMARY } from "@/testing/behaviors";
import Behaviors from "./Behaviors.svelte";

const ANSWERED = { models: ["cnn", "p50", "p90"] };
const FULL: Answers = {
  "GET behaviors/answered": ANSWERED,
  "POST behaviors": behaviors(),
  "POST behaviors/instance": INSTANCE,
};

function open(address: string, options: AppOptions = {}): AppState {
  const app = makeApp({ datasets: [DATASET] as never, answers: FULL, address: `/behaviors?${address}`, ...options });
  show(Behaviors, {}, app);
  return app;
}

/** The parts that were asked for, one after another. */
const parts = (): unknown[] => server.of("POST behaviors").map(({ body }) => body!.parts);
/** The page's own part of the address; what is not there is empty. */
const own = (app: AppState): Record<string, readonly string[]> =>
  new Proxy({ ...app.view.state.own }, { get: (values, name) => values[String(name)] ?? [] });

describe("an empty page of behaviors", () => {
  it("shows how to log a dataset where there is none", () => {
    open("sel=cnn&sel=p50", { datasets: [] });
    expect(screen.getByRole("heading").textContent).toContain("dataset");
    expect(document.querySelector("pre")?.textContent).toMatch(/log_dataset[^]*log_outputs/);
    expect(server.asked.filter(({ name }) => name.includes("behaviors"))).toEqual([]);
  });
  it("shows how to log outputs where one model has some", async () => {
    open("sel=cnn&sel=p50", { answers: { "GET behaviors/answered": { models: ["cnn"] } } });
    await waitFor(() => expect(document.querySelector("pre")?.textContent).toContain("log_outputs"));
    expect(document.querySelector("pre")?.textContent).not.toContain("log_dataset");
  });
  it("proposes what was made from the selected model", async () => {
    const app = open("sel=cnn");
    await fireEvent.click(await screen.findByRole("button", { name: /cnn/ }));
    expect(app.view.state.selection).toEqual(["cnn", "p50", "p90"]);
    await screen.findByRole("toolbar");
  });
  it("leads to the overview", async () => {
    const app = open("sel=cnn");
    const buttons = await screen.findAllByRole("button");
    await fireEvent.click(buttons.at(-1)!);
    expect(app.view.state.page).toBe("overview");
  });
  it("waits for who has outputs", () => {
    open("sel=cnn&sel=p50", { answers: { "GET behaviors/answered": NEVER } });
    expect(screen.getByRole("status").textContent).toMatch(/…$/);
  });
});

describe("a page of behaviors that waits or fails", () => {
  it("says that it compares", async () => {
    open("sel=cnn&sel=p50", { answers: { ...FULL, "POST behaviors": NEVER } });
    await waitFor(() => expect(screen.getByText(/Comparing 2 models/)).toBeTruthy());
    expect(screen.getByRole("toolbar")).toBeTruthy();
  });
  it("says what is wrong, and offers the metric that fits", async () => {
    const wrong = new Problem("behaviors.metric", "No such metric.", "nll needs labels.", "Choose another.");
    const app = open("sel=cnn&sel=p50&metric=nll", { answers: { ...FULL, "POST behaviors": wrong } });
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toMatch(/No such metric.[^]*nll needs labels.[^]*Choose another./);
    server.set({ ...FULL });
    await fireEvent.click(within(alert).getByRole("button"));
    expect(own(app).metric).toEqual([]);
    await screen.findByRole("region", { name: "Models against the base" });
    expect(screen.queryByRole("alert")).toBeNull();
  });
  it("says that the server is gone", async () => {
    open("sel=cnn&sel=p50", { answers: { ...FULL, "POST behaviors": UNREACHABLE } });
    expect((await screen.findByRole("alert")).textContent).toContain("cannot be reached");
  });
  it("shows hits as what became of the examples, and changes of them as a histogram", async () => {
    const app = open("sel=cnn&sel=p50");
    expect(await screen.findByRole("img", { name: "p50: both right 6, lost 3, gained 1" })).toBeTruthy();
    expect(screen.getByRole("img", { name: "cnn: both right 9, both wrong 1" })).toBeTruthy();
    app.view.update({ own: { rel: ["1"] } });
    await waitFor(() => expect(screen.queryByRole("img", { name: /^p50: both right/ })).toBeNull());
  });
  it("says which selected models are left out", async () => {
    open("sel=cnn&sel=p50&sel=new");
    await screen.findByRole("grid");
    expect(screen.getByText("new", { selector: ".note .mono" })).toBeTruthy();
  });
});

describe("the models", () => {
  it("stand against the base with their change and its interval", async () => {
    open("sel=cnn&sel=p50");
    const table = await screen.findByRole("region", { name: "Models against the base" });
    const [, base, model] = within(table).getAllByRole("row");
    expect(base!.textContent).toMatch(/cnn[^]*base[^]*90/);
    expect(model!.textContent).toMatch(/prune 0\.5[^]*70[^]*−20[^]*pp/);
    expect(within(model!).getByTitle(/Newcombe[^]*bootstrap/).className).toContain("bad");
  });
  it("list the examples behind a count with a click, and all of them with a second", async () => {
    const app = open("sel=cnn&sel=p50");
    const flips = await screen.findByRole("button", { name: /p50: right → wrong/ });
    await fireEvent.click(flips);
    expect(own(app).if).toEqual(['["flip","p50","right_to_wrong"]']);
    await waitFor(() => {
      const asked = server.of("POST behaviors").at(-1)!.body!;
      const conditions = JSON.stringify(asked.instances);
      expect(conditions).toContain('["correct[cnn]","==",1]');
      expect(conditions).toContain('["correct[p50]","==",0]');
    });
    expect(screen.getByRole("button", { name: /p50: right → wrong, 3/ }).getAttribute("aria-pressed")).toBe("true");
    await fireEvent.click(screen.getByRole("button", { name: /p50: right → wrong, 3/ }));
    expect(own(app).if).toEqual([]);
  });
  it("cannot list what is not there", async () => {
    open("sel=cnn&sel=p50");
    const none = await screen.findByRole<HTMLButtonElement>("button", { name: /other wrong, 0/ });
    expect(none.disabled).toBe(true);
  });
  it("are marked where the pointer is", async () => {
    const app = open("sel=cnn&sel=p50");
    const table = await screen.findByRole("region", { name: "Models against the base" });
    const row = within(table).getAllByRole("row")[2]!;
    await fireEvent.pointerEnter(row);
    expect(app.view.hovered).toBe(1);
    expect(row.className).toContain("hovered");
    await fireEvent.pointerLeave(row);
    expect(app.view.hovered).toBeNull();
  });
  it("say which examples are missing", async () => {
    const lacking = { ...SUMMARY, missing: 2, base_missing: 1 };
    open("sel=cnn&sel=p50", { answers: { ...FULL, "POST behaviors": behaviors({ summary: [lacking] }) } });
    await waitFor(() => expect(screen.getByText(/lacks 2 .*; base lacks 1/)).toBeTruthy());
  });
});

describe("the examples", () => {
  it("are listed, as many as fit, with what each model predicts", async () => {
    open("sel=cnn&sel=p50");
    const grid = await screen.findByRole("grid");
    await waitFor(() => expect(within(grid).getAllByRole("row").length).toBe(11));
    const first = within(grid).getAllByRole("row")[1]!;
    expect(first.textContent).toContain("x0");
    expect(within(first).getAllByLabelText("wrong").length).toBe(1);
    expect(grid.getAttribute("aria-rowcount")).toBe("10");
  });
  it("are sorted by a click on a heading, the other way by a second", async () => {
    const app = open("sel=cnn&sel=p50");
    await fireEvent.click(await screen.findByTitle("Sort by label"));
    expect(own(app).sort).toEqual(["label"]);
    await waitFor(() => {
      expect(screen.getByTitle("Sort by label").parentElement!.getAttribute("aria-sort")).toBe("ascending");
    });
    await fireEvent.click(screen.getByTitle("Sort by label"));
    expect(own(app).sort).toEqual(["-label"]);
  });
  it("are walked with the keys and opened with Enter, and closed with Escape", async () => {
    const app = open("sel=cnn&sel=p50");
    const grid = await screen.findByRole("grid");
    await waitFor(() => expect(within(grid).getAllByRole("row").length).toBe(11));
    await fireEvent.keyDown(grid, { key: "ArrowDown" });
    await fireEvent.keyDown(grid, { key: "ArrowDown" });
    await fireEvent.keyDown(grid, { key: "Enter" });
    expect(own(app).id).toEqual(["x2"]);
    await waitFor(() => expect(server.of("POST behaviors/instance").at(-1)!.body!.id).toBe("x2"));
    await fireEvent.keyDown(grid, { key: "ArrowUp" });
    expect(own(app).id).toEqual(["x1"]);
    await fireEvent.keyDown(window, { key: "Escape" });
    expect(own(app).id).toEqual([]);
  });
  it("show one in full with a click: its text and what each model makes of it", async () => {
    open("sel=cnn&sel=p50");
    const grid = await screen.findByRole("grid");
    await waitFor(() => expect(within(grid).getAllByRole("row").length).toBe(11));
    await fireEvent.click(within(grid).getAllByRole("row")[1]!);
    const panel = await screen.findByRole("complementary");
    await waitFor(() => expect(panel.textContent).toContain("a short text"));
    expect(panel.textContent).toMatch(/90[^]*80/);
  });
  it("are found by a text, which can be taken away", async () => {
    const app = open("sel=cnn&sel=p50&text=abc");
    const chip = await screen.findByRole("button", { name: "Remove the search" });
    await waitFor(() => {
      expect(JSON.stringify(server.of("POST behaviors").map(({ body }) => body!.instances))).toContain(
        '["*","contains","abc"]',
      );
    });
    await fireEvent.click(chip);
    expect(own(app).text).toEqual([]);
  });
  it("can all be filtered away", async () => {
    const none = { ...FULL, "POST behaviors": behaviors({ instances: [], total: 0 }) };
    const app = open("sel=cnn&sel=p50&changed=1", { answers: none });
    const grid = await screen.findByRole("grid");
    await fireEvent.click(within(grid).getByRole("button", { name: "Show all" }));
    expect(own(app).changed).toEqual([]);
  });
  it("say why they cannot be listed", async () => {
    const failing = (asked: { body: Record<string, unknown> | null }): unknown =>
      (asked.body!.parts as string[]).includes("instances")
        ? new Problem("behaviors.where", "No such column.", "", "Remove the filter.")
        : behaviors();
    open("sel=cnn&sel=p50", { answers: { ...FULL, "POST behaviors": failing } });
    expect((await screen.findByRole("alert")).textContent).toContain("No such column.");
  });
});

describe("the other levels", () => {
  it("list classes, the worst marked, and the examples of one", async () => {
    const app = open("sel=cnn&sel=p50&level=classes");
    const table = await screen.findByRole("region", { name: "Table of classes" });
    const rows = within(table).getAllByRole("row").slice(2);
    expect(rows.length).toBe(2);
    expect(rows[0]!.querySelector(".hurt")).not.toBeNull();
    expect(rows[1]!.querySelector(".hurt")).toBeNull();
    await fireEvent.click(within(rows[0]!).getByRole("button"));
    expect([own(app).level, own(app).if]).toEqual([[], ['["group","0"]']]);
  });
  it("sort classes", async () => {
    const app = open("sel=cnn&sel=p50&level=classes");
    const table = await screen.findByRole("region", { name: "Table of classes" });
    await fireEvent.click(within(table).getByText("count"));
    expect(own(app).rank).toEqual(["count"]);
  });
  it("show how the confusions of a model changed, and the examples of a cell", async () => {
    const labeled = { ...FULL, "POST behaviors": behaviors() };
    const app = open("sel=cnn&sel=p50&level=classes", { answers: labeled });
    await screen.findByRole("region", { name: "Table of classes" });
    await fireEvent.change(screen.getByLabelText(/Confusion of/), { target: { value: "p50" } });
    const matrix = await screen.findByRole("table", { name: /confusion matrix of p50/ });
    const cells = within(matrix).getAllByRole("button");
    expect(cells.map(({ textContent }) => textContent)).toEqual(["−2", "+2"]);
    await fireEvent.click(cells[1]!);
    expect(own(app).if).toEqual(['["cell","p50",0,1]']);
  });
  it("list slices and lead to their classes", async () => {
    const app = open("sel=cnn&sel=p50&level=slices");
    const table = await screen.findByRole("region", { name: "Table of slices" });
    const row = within(table).getAllByRole("row")[1]!;
    expect(row.textContent).toMatch(/ink < 0.2[^]*prune 0\.5[^]*4[^]*0\.004/);
    await fireEvent.click(within(row).getByRole("button"));
    expect([own(app).level, own(app).per]).toEqual([["classes"], ["ink"]]);
  });
  it("list exemplars and open one", async () => {
    const app = open("sel=cnn&sel=p50&level=exemplars");
    const table = await screen.findByRole("region", { name: "Table of exemplars" });
    expect(within(table).getAllByRole("row")[1]!.textContent).toMatch(/x0[^]*1 of 1/);
    await fireEvent.click(within(table).getByRole("button"));
    expect(own(app).id).toEqual(["x0"]);
  });
  it("draw how sure models are, and call none of two that tie the worst", async () => {
    open("sel=cnn&sel=p50&level=calibration");
    await screen.findByRole("region", { name: "Reliability of every model" });
    expect(document.querySelector(".lead b")?.textContent).toBe("Both models tie in calibration.");
    const images = screen.getAllByRole("img", { name: /expected calibration error/ });
    const said = images.map((image) => image.getAttribute("aria-label"));
    expect(said[0]).toMatch(/^cnn: .* 0\.\d+ \(0\.\d+–0\.\d+\), /);
    expect(said[1]).toMatch(/^p50: .* 0\.\d+ \(0\.\d+–0\.\d+\), /);
  });
  it.each([
    ["slices", behaviors({ slices: [] })],
    ["exemplars", behaviors({ exemplars: [] })],
    ["exemplars", behaviors({ exemplars: null })],
    ["calibration", behaviors({ calibration: null })],
    ["classes", behaviors({ groups: null })],
  ])("say that there are no %s", async (level, answer) => {
    open(`sel=cnn&sel=p50&level=${level}`, { answers: { ...FULL, "POST behaviors": answer } });
    await waitFor(() => expect(document.querySelectorAll("p.lead").length).toBe(1));
    expect(screen.queryByRole("region", { name: /Table of|Reliability/ })).toBeNull();
  });
  it.each(["classes", "slices", "exemplars", "calibration"])("say why there are no %s", async (level) => {
    const failing = (asked: { body: Record<string, unknown> | null }): unknown =>
      (asked.body!.parts as string[]).includes("summary") ? behaviors() : new Problem("x", "It failed.", "Because.");
    open(`sel=cnn&sel=p50&level=${level}`, { answers: { ...FULL, "POST behaviors": failing } });
    expect((await screen.findByRole("alert")).textContent).toMatch(/It failed.[^]*Because./);
  });
  it.each(["classes", "slices", "exemplars", "calibration"])("say that they work on %s", async (level) => {
    const waiting = (asked: { body: Record<string, unknown> | null }): unknown =>
      (asked.body!.parts as string[]).includes("summary") ? behaviors() : NEVER;
    open(`sel=cnn&sel=p50&level=${level}`, { answers: { ...FULL, "POST behaviors": waiting } });
    await screen.findByRole("region", { name: "Models against the base" });
    await waitFor(() => expect(document.querySelector("p.lead[role=status]")?.textContent).toMatch(/…$/));
  });
});

describe("the toolbar", () => {
  it("changes the base, and asks again", async () => {
    const app = open("sel=cnn&sel=p50");
    await screen.findByRole("grid");
    await fireEvent.change(screen.getByLabelText("Base"), { target: { value: "p50" } });
    expect(own(app).base).toEqual(["p50"]);
    await waitFor(() => expect(server.of("POST behaviors").at(-1)!.body!.base).toBe("p50"));
  });
  it("changes level, metric and whether values are relative", async () => {
    const app = open("sel=cnn&sel=p50");
    await screen.findByRole("grid");
    await fireEvent.click(screen.getByRole("button", { name: "Slices" }));
    expect(own(app).level).toEqual(["slices"]);
    await waitFor(() => expect(parts()).toContainEqual(["slices"]));
    await fireEvent.click(screen.getByRole("button", { name: "Relative to base" }));
    expect(own(app).rel).toEqual(["1"]);
    await fireEvent.change(screen.getByLabelText("Metric"), { target: { value: "nll" } });
    expect(own(app).metric).toEqual(["nll"]);
  });
  it("offers what is listed as files", async () => {
    open("sel=cnn&sel=p50&level=slices");
    await screen.findByRole("region", { name: "Table of slices" });
    await fireEvent.click(screen.getByRole("button", { name: "Export" }));
    const links = screen.getAllByRole<HTMLAnchorElement>("menuitem");
    const asked = links.map(({ href }) => new URL(href).searchParams);
    expect(asked.map((query) => `${query.get("part")}.${query.get("format")}`)).toEqual([
      "summary.csv",
      "changes.csv",
      "slices.csv",
      "summary.parquet",
      "changes.parquet",
      "slices.parquet",
    ]);
    expect(JSON.parse(asked[0]!.get("ask")!)).toMatchObject({ base: "cnn", models: ["p50"], dataset: "test" });
  });
  it("groups classes by other columns", async () => {
    const app = open("sel=cnn&sel=p50&level=classes");
    await screen.findByRole("region", { name: "Table of classes" });
    await fireEvent.change(screen.getByLabelText("Group by"), { target: { value: "ink" } });
    expect(own(app).per).toEqual(["ink"]);
    await fireEvent.change(screen.getByLabelText("and by"), { target: { value: "label" } });
    expect(own(app).per).toEqual(["ink", "label"]);
  });
});

// @vitest-environment jsdom
import { makeApp, Problem, server, show, type Answers } from "@/testing/app";
import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { AppState } from "@/state/app";
import { job } from "@/testing/jobs";
import { droppedFiles, droppedWords } from "./dropped";
import Import from "./Import.svelte";

const PREVIEW = {
  ...{ source: "csv", recognized_by: "a table, as its name ends with .csv", num_models: 2, num_new: 1 },
  models: [
    { id: "net", base: null, operation: "train", parameters: {}, depth: 0, is_new: false, metrics: 1 },
    { id: "net-w8", base: "net", operation: "quantize", parameters: { bits: 8 }, depth: 1, is_new: true, metrics: 0 },
  ],
  metrics: [
    {
      ...{ name: "top1", unit: "%", format: "", higher_is_better: true, reason: "accuracies should be high" },
      ...{ values: 2, not_finite: 1, low: 71.4, high: 76.1 },
    },
  ],
  data: [{ name: "imagenet", model: "net", instances: 10 }],
  ...{ num_new_values: 1, num_corrections: 1 },
  corrections: [{ model: "net", metric: "top1", value: "NaN", reason: "the file has changed" }],
  ...{ notices: ["The base is in the column parent."], warnings: ["Row 7 has no id; it is left out."] },
  ...{ mapping: "id:\n- model\n" },
};
const file = (text: string, name = "table.csv"): File => new File([text], name);

function open(answers: Answers, files: readonly { path: string; file: File }[] = []): AppState {
  const sources = { sources: ["csv", "olive"], servers: ["http://127.0.0.1:5000"] };
  const app = makeApp({ answers: { "POST import/preview": PREVIEW, "GET import/sources": sources, ...answers } });
  app.changes.bring(files);
  show(Import, { files }, app);
  return app;
}
const last = () => server.of("POST import/preview").at(-1)!.body;

describe("an import", () => {
  it("sends what was dropped, and shows what would come in", async () => {
    open({ "POST import/files": { upload: "u1" } }, [
      { path: "runs/a.csv", file: file("a,b") },
      { path: "runs/b.csv", file: file("") },
    ]);
    expect(await screen.findByText(/Recognized as csv by a table/)).toBeTruthy();
    expect(server.of("POST import/files").map(({ body }) => body)).toEqual([
      { upload: null, path: "runs/a.csv", offset: 0, content: btoa("a,b") },
      { upload: "u1", path: "runs/b.csv", offset: 0, content: "" },
    ]);
    expect(last()).toMatchObject({ upload: "u1", source: null, mapping: null, higher: [], units: {} });
    const tree = within(screen.getByRole("region", { name: "Models" }));
    expect(tree.getByText("net").parentElement!.textContent).toContain("there already");
    expect(tree.getByText("net-w8").parentElement!.textContent).toMatch(/quantize \(bits=8\)\s+not measured/);
    expect(screen.getByText("Row 7 has no id; it is left out.")).toBeTruthy();
    expect(screen.getByText(/Would change top1 of/).textContent).toMatch(/to NaN: the file has changed/);
    expect(screen.getByText(/71.4\s?% – 76.1\s?%, 1 not finite/)).toBeTruthy();
  });
  it("asks again when somebody knows better, and imports as it was shown", async () => {
    const started = job({ id: "i1", kind: "import", state: "done", message: "imported 2 models" });
    open({ "POST import": started });
    await fireEvent.input(screen.getByLabelText(/^Or a path/), { target: { value: " /runs/table.csv " } });
    await fireEvent.click(screen.getByRole("button", { name: "Look at it" }));
    await fireEvent.change(await screen.findByLabelText("Which top1 is better"), { target: { value: "lower" } });
    await waitFor(() => expect(last()).toMatchObject({ path: "/runs/table.csv", lower: ["top1"] }));
    await fireEvent.change(screen.getByLabelText("Unit of top1"), { target: { value: "points" } });
    await waitFor(() => expect(last()).toMatchObject({ units: { top1: "points" } }));
    await fireEvent.click(screen.getByLabelText(/as a new version$/));
    await waitFor(() => expect(last()).toMatchObject({ new_versions: true }));
    await fireEvent.change(screen.getByLabelText("Mapping of the columns"), { target: { value: "id: [name]" } });
    await fireEvent.change(screen.getByLabelText("Written by"), { target: { value: "olive" } });
    await fireEvent.change(screen.getByLabelText(/^Operation, e.g./), { target: { value: "config.method" } });
    await waitFor(() => expect(last()).toMatchObject({ operation_from: "config.method", mapping: "id: [name]" }));
    const go = await screen.findByRole("button", { name: "Import 2 models" });
    await waitFor(() => expect((go as HTMLButtonElement).disabled).toBe(false));
    await fireEvent.click(go);
    expect(await screen.findByText("imported 2 models")).toBeTruthy();
    expect(server.of("POST import")[0]!.body).toEqual(last());
  });
  it("asks a tracking server by its address, and says which may be asked", async () => {
    open({});
    expect(await screen.findByText("http://127.0.0.1:5000")).toBeTruthy();
    const field = screen.getByLabelText(/address of a tracking server$/);
    await fireEvent.input(field, { target: { value: " http://127.0.0.1:5000/#/experiments/1 " } });
    expect((screen.getByRole("button", { name: "Merge it" }) as HTMLButtonElement).disabled).toBe(true);
    await fireEvent.click(screen.getByRole("button", { name: "Look at it" }));
    await waitFor(() => expect(last()).toMatchObject({ address: "http://127.0.0.1:5000/#/experiments/1" }));
    expect(last()).not.toHaveProperty("path");
  });
  it("says how to allow a tracking server where none may be asked, and still offers the tools", async () => {
    open({
      "GET import/sources": { sources: ["csv", "olive"], servers: [] },
      "POST import/preview": new Problem("import.not_recognized", "'x' is not recognized.", "", "Name one."),
    });
    expect(await screen.findByText(/--import-from/)).toBeTruthy();
    await fireEvent.input(screen.getByLabelText(/^Or a path/), { target: { value: "/x" } });
    await fireEvent.click(screen.getByRole("button", { name: "Look at it" }));
    await screen.findByRole("alert");
    expect([...(screen.getByLabelText("Written by") as HTMLSelectElement).options].map(({ value }) => value)).toEqual([
      "",
      "csv",
      "olive",
    ]);
  });
  it("says why it cannot be read", async () => {
    open({ "POST import/preview": new Problem("import.not_recognized", "'x' is not recognized.", "", "Name one.") });
    await fireEvent.input(screen.getByLabelText(/^Or a path/), { target: { value: "/x" } });
    await fireEvent.click(screen.getByRole("button", { name: "Look at it" }));
    expect((await screen.findByRole("alert")).textContent).toContain("is not recognized.");
    expect((screen.getByRole("button", { name: "Import" }) as HTMLButtonElement).disabled).toBe(true);
    await fireEvent.input(screen.getByLabelText(/^Or a path/), { target: { value: "/y" } });
    await fireEvent.click(screen.getByRole("button", { name: "Look at it" }));
    await waitFor(() => expect(last()).toMatchObject({ path: "/y" }));
  });
  it("says why files were not taken", async () => {
    const full = new Problem("upload.too_large", "An import takes 500,000,000 bytes at most.");
    open({ "POST import/files": full }, [{ path: "a", file: file("x") }]);
    expect((await screen.findByRole("alert")).textContent).toContain("at most");
  });
});

describe("what was dropped", () => {
  it("is walked through, a hundred entries at a time", async () => {
    const leaf = (path: string) => ({
      isFile: true,
      fullPath: path,
      file: (done: (file: File) => void) => done(file("x", path)),
    });
    const pages = [[leaf("/runs/a")], [leaf("/runs/b")], []];
    const folder = {
      isFile: false,
      fullPath: "/runs",
      createReader: () => ({ readEntries: (done: (entries: unknown[]) => void) => done(pages.shift()!) }),
    };
    const found = await droppedFiles([{ webkitGetAsEntry: () => folder }] as unknown as DataTransferItemList);
    expect(found.map(({ path }) => path)).toEqual(["runs/a", "runs/b"]);
    expect(droppedWords(found)).toBe("runs, 2 files");
    expect(droppedWords(found.slice(0, 1))).toBe("runs");
    expect(droppedWords([...found, { path: "c", file: file("") }])).toBe("runs and 1 more, 3 files");
  });
});

// @vitest-environment jsdom
import { ACCURACY, makeApp, NEVER, Problem, server, show, TABLE, type Answers } from "@/testing/app";
import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import App from "@/App.svelte";
import type { AppState } from "@/state/app";
import type { Kind } from "@/state/changes.svelte";
import { change } from "@/testing/changes";
import { modelOf } from "@/testing/models";
import Details from "../details/Details.svelte";
import { changeActions } from "./actions";
import Dialogs from "./Dialogs.svelte";
import { parametersOf, parametersText } from "./parameters";

const READING = {
  ...{ name: ACCURACY.name, value: 0.9, slice: null, device: null, count: 100, standard_error: 0.01 },
  ...{ dataset: "test", protocol: null },
};
const MADE = { change: change() };

function ask(kind: Kind, model: string, answers: Answers, about?: string): AppState {
  const app = makeApp({ answers: { "GET project": new Problem("x", "Not asked here."), ...answers } });
  show(Dialogs, {}, app);
  app.changes.ask({ kind, model, about });
  return app;
}

const button = (name: string | RegExp): Promise<HTMLButtonElement> => screen.findByRole("button", { name });
const type = (label: string | RegExp, value: string) =>
  fireEvent.input(screen.getByLabelText(label), { target: { value } });

describe("what can be changed", () => {
  it("is in the menu of a model, with the reason where the project is only read or the token may not", () => {
    const app = makeApp();
    expect(changeActions(app, "p50").map(({ label }) => label)).toHaveLength(6);
    app.project.info = { ...app.project.info!, read_only: true };
    const reasons = () => new Set(changeActions(app, "p50").map(({ refusal }) => refusal));
    expect(reasons()).toEqual(new Set(["This project can only be read here."]));
    app.project.info = { ...app.project.info!, read_only: false, role: "read" };
    expect([...reasons()][0]).toContain("Your token has the role “read”; this needs “log”.");
    app.project.info = { ...app.project.info!, role: "log" };
    const left = changeActions(app, "p50").filter(({ refusal }) => refusal !== null);
    expect(left.map(({ label }) => label)).toEqual(["Evaluate…"]); // which runs code
    app.project.info = { ...app.project.info!, role: "run" };
    expect(reasons()).toEqual(new Set([null]));
  });
});

describe("renaming", () => {
  it("keeps the model selected, and offers to undo", async () => {
    const app = ask("rename", "p50", { "POST model/rename": MADE });
    app.view.select([1]);
    expect((await button("Rename")).disabled).toBe(true);
    await type("New id", " half ");
    await fireEvent.click(await button("Rename"));
    await waitFor(() => expect(app.view.state.selection).toEqual(["half"]));
    expect(server.of("POST model/rename")[0]!.body).toEqual({ id: "half", reason: "" });
    expect([app.changes.question, app.changes.told?.undo]).toEqual([null, 7]);
  });
  it("shows the server's sentence where another page was faster", async () => {
    const gone = new Problem("model.unknown", "There is no model 'p50'.", "", "Look at the history.", 404);
    const app = ask("rename", "p50", { "POST model/rename": gone });
    await button("Rename");
    await type("New id", "half");
    await fireEvent.click(await button("Rename"));
    expect((await screen.findByRole("alert")).textContent).toContain("There is no model 'p50'.");
    expect(app.changes.question).not.toBeNull();
  });
});

describe("moving", () => {
  it("leaves the operation as it is, or says another", async () => {
    const app = ask("move", "p50-ft", { "POST model/base": MADE });
    await button("Move");
    await type(/^Base/, "p90");
    await fireEvent.click(await button("Move"));
    await waitFor(() => expect(app.changes.question).toBeNull());
    app.changes.ask({ kind: "move", model: "p50-ft" });
    await button("Move");
    await type(/^Base/, "");
    await type("Its parameters", "epochs=2, schedule=cosine");
    await fireEvent.click(await button("Move"));
    await waitFor(() => expect(server.of("POST model/base")).toHaveLength(2));
    expect(server.of("POST model/base").map(({ body }) => body)).toEqual([
      { base: "p90", operation: null, reason: "" },
      { base: null, operation: { name: "finetune", parameters: { epochs: 2, schedule: "cosine" } }, reason: "" },
    ]);
  });
  it("writes and reads parameters", () => {
    const all = { amount: 0.5, layers: ["a", "b, c=d"], on: true, name: "x", number: "3", none: null };
    expect(parametersOf(parametersText({ amount: 0.5, layers: ["a", "b"], on: true, number: "3" }))).toEqual({
      ...{ amount: 0.5, layers: ["a", "b"], on: true, number: "3" },
    });
    expect(parametersText({ ...all, layers: [] })).toBe(
      'amount=0.5, layers=[], on=true, name=x, number="3", none=null',
    );
  });
});

describe("deleting", () => {
  it("tells what comes from it, and waits for a yes", async () => {
    const app = ask("delete", "p50", {
      "GET model/descendants": { models: ["p50-ft", "hidden"] },
      "DELETE model": { change: change({ action: "delete", models: ["p50", "p50-ft", "hidden"] }) },
    });
    const go = await button("Delete 3 models");
    expect(screen.getByText(/come from it/).textContent).toMatch(/2\s+models come from it:\s+p50-ft, hidden\./);
    expect(go.disabled).toBe(true);
    await fireEvent.click(screen.getByRole("checkbox"));
    await fireEvent.click(go);
    await waitFor(() => expect(app.changes.told?.text).toBe("Deleted p50 and 2\u00a0models that came from it."));
    expect(Object.fromEntries(server.of("DELETE model")[0]!.query)).toEqual({
      ...{ id: "p50", descendants: "true", reason: "" },
    });
  });
  it("archives what is shown without a question where nothing comes from it", async () => {
    const app = ask("archive", "p50", {
      "GET model/descendants": { models: ["hidden"] },
      "POST model/archive": { change: null },
    });
    await waitFor(async () => expect((await button("Archive")).disabled).toBe(false));
    await fireEvent.click(await button("Archive"));
    await waitFor(() => expect(app.changes.told?.text).toMatch(/already/));
    expect(server.of("POST model/archive")[0]!.body).toMatchObject({ archived: true, descendants: false });
  });
});

describe("correcting", () => {
  const answers = { "GET model": modelOf(TABLE, { metrics: [READING, { ...READING, slice: "cat", value: 0.5 }] }) };
  it("says what was looked at, and wants a reason", async () => {
    const app = ask("correct", "p50", { ...answers, "POST model/correct": MADE }, "Accuracy");
    await screen.findByLabelText("Metric");
    await type(/^It should be/, "0.95");
    expect(screen.getByText(/It will read/).textContent).toContain("95.0%");
    expect((await button("Correct")).disabled).toBe(true);
    await type("Why", "typo");
    await fireEvent.click(await button("Correct"));
    await waitFor(() => expect(app.changes.told?.text).toBe("Accuracy of p50 is 95.0% now; it was 90.0%."));
    const place = { slice: null, device: null, dataset: "test", protocol: null };
    expect(server.of("POST model/correct")[0]!.body).toEqual({
      ...{ values: { Accuracy: 0.95 }, seen: { Accuracy: { value: 0.9, ...place } }, reason: "typo" },
    });
  });
  it("takes no words for a number, and nothing for no value", async () => {
    ask("correct", "p50", answers, "Accuracy");
    await screen.findByLabelText("Metric");
    await type("Why", "typo");
    expect((await button("Remove the value")).disabled).toBe(false);
    await type(/^It should be/, "a lot");
    expect((await button("Correct")).disabled).toBe(true);
    await fireEvent.change(screen.getByLabelText("Metric"), { target: { value: "1" } });
    expect(screen.getByText(/It is/).parentElement!.textContent).toContain("50.0%");
  });
  it("marks the value, with the old one on demand", async () => {
    const model = modelOf(TABLE, { metrics: [READING], corrections: [change(), change({ undone_by: 9 })] });
    const other = { "POST reality": NEVER, "GET model/coverage": NEVER };
    show(Details, {}, makeApp({ answers: { "GET model": model, ...other }, address: "/?sel=p50" }));
    await fireEvent.click(await button("corrected"));
    expect(screen.getAllByText(/^It was 90.0% until .*, anna: “typo”$/)).toHaveLength(1);
  });
});

describe("the history", () => {
  const HISTORY = {
    changes: [
      change({ number: 8, action: "undo", old: { change: 7, action: "rename" }, new: {}, undoable: false }),
      change(),
    ],
    archived: ["old"],
    deleted: ["gone"],
  };
  it("lists who changed what from what to what, and takes it back", async () => {
    const app = makeApp({
      answers: { "GET history": HISTORY, "POST undo": MADE, "GET project": new Problem("x", "") },
      address: "/?tab=history",
    });
    show(Details, {}, app);
    const row = within((await screen.findByText("Corrected p50")).closest("tr")!);
    expect(row.getByText("anna")).toBeTruthy();
    expect(row.getByText(/→/).parentElement!.textContent).toMatch(/Accuracy\s+90.0%\s+→\s+95.0%/);
    await fireEvent.click(row.getByRole("button", { name: /^Undo change 7/ }));
    await waitFor(() => expect(server.of("POST undo")[0]!.body).toEqual({ number: 7 }));
    expect(screen.getAllByRole("button", { name: /^Undo change/ })).toHaveLength(1);
  });
  it("is of one model where one is selected, or of all", async () => {
    const app = makeApp({
      answers: { "GET history": { changes: [], archived: [], deleted: [] } },
      address: "/?sel=p50&tab=history",
    });
    show(Details, {}, app);
    expect(await screen.findByText(/about p50/)).toBeTruthy();
    await fireEvent.click(screen.getByRole("button", { name: "Whole project" }));
    await waitFor(() => expect(server.of("GET history").map(({ query }) => query.get("id"))).toEqual(["p50", null]));
  });
  it("shows again and restores, and says why it cannot", async () => {
    const taken = new Problem("model.exists", "Model 'gone' cannot be restored: another model has this id now.");
    const app = makeApp({
      answers: {
        ...{ "GET history": HISTORY, "POST model/archive": MADE, "POST model/restore": taken },
        "GET project": new Problem("x", ""),
      },
      address: "/?tab=history",
    });
    show(Details, {}, app);
    await fireEvent.click(await button("Show again old"));
    await waitFor(() => expect(server.of("POST model/archive")[0]!.body).toMatchObject({ archived: false }));
    await fireEvent.click(await button("Restore gone"));
    await waitFor(() => expect(app.changes.told?.failed).toBe(true));
    expect(app.changes.told!.text).toContain("another model has this id now");
  });
});

describe("purging", () => {
  it("is agreed to first, says what it gave back, and is for admins", async () => {
    const app = makeApp({
      answers: {
        ...{ "GET history": { changes: [], archived: [], deleted: ["gone", "lost"] } },
        ...{ "POST purge": { models: 2, num_files: 3, num_bytes: 4096 }, "GET project": new Problem("x", "") },
      },
      address: "/?tab=history",
    });
    show(Details, {}, app);
    await fireEvent.click(await button("Purge…"));
    expect(screen.getByText(/cannot be restored any more/)).toBeTruthy();
    expect(server.of("POST purge")).toHaveLength(0);
    await fireEvent.click(await button("Purge"));
    await waitFor(() => expect(app.changes.told?.text).toBe("Purged 2\u00a0deleted models: 4.1\u00a0kB given back"));
    app.project.info = { ...app.project.info!, role: "log" };
    await waitFor(async () => expect((await button("Purge…")).disabled).toBe(true));
  });
});

describe("the toast", () => {
  it("tells a change, takes it back, and is closed", async () => {
    const app = makeApp({ address: "/behaviors", answers: { "POST undo": MADE, "GET project": new Problem("x", "") } });
    render(App, { app });
    app.changes.told = { text: "a is called b now.", undo: 3, failed: false };
    await fireEvent.click(await button("Undo"));
    await waitFor(() => expect(server.of("POST undo")[0]!.body).toEqual({ number: 3 }));
    await fireEvent.click(await button("Close"));
    expect(app.changes.told).toBeNull();
  });
});

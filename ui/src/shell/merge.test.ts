// @vitest-environment jsdom
import { makeApp, Problem, server, show, type Answers } from "@/testing/app";
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { AppState } from "@/state/app";
import type { Copy } from "@/state/changes.svelte";
import Merge from "./Merge.svelte";
import { mergedWords, previewWords, undecided } from "./merging";

const CONFLICTS = [
  { title: "note cnn", ours: "'a'", theirs: "'b'", both: true },
  { title: "value cnn, Accuracy", ours: "0.9", theirs: "0.8", both: false },
];
const PREVIEW = { num_models: 3, num_new: 1, conflicts: CONFLICTS };
const DONE = { added: { models: 1, history: 4 }, renamed: {}, num_conflicts: 2, left_out: [] };

const plain = (text: string): string => text.replaceAll("\u00a0", " ");

function open(copy: Copy, answers: Answers = {}): AppState {
  const app = makeApp({ answers: { "POST merge/preview": PREVIEW, "POST merge": DONE, ...answers } });
  app.changes.merge(copy);
  show(Merge, { copy }, app);
  return app;
}

describe("a merge", () => {
  it("shows what contradicts, and merges once all of it is decided", async () => {
    const app = open({ path: "/data/theirs" });
    expect(await screen.findByText("1 of 3 models is new. 2 conflicts.")).toBeTruthy();
    const go = screen.getByRole<HTMLButtonElement>("button", { name: "Merge" });
    expect(go.disabled).toBe(true);
    await fireEvent.change(screen.getByLabelText("Keep of note cnn"), { target: { value: "both" } });
    expect(screen.getByText("1 still to decide.")).toBeTruthy();
    await fireEvent.change(screen.getByLabelText("Where the two differ"), { target: { value: "theirs" } });
    await waitFor(() => expect(go.disabled).toBe(false));
    await fireEvent.click(go);
    await waitFor(() => expect(app.changes.merging).toBe(null));
    const body = { path: "/data/theirs", choices: { "note cnn": "both" }, rule: "theirs" };
    expect(server.of("POST merge").at(-1)!.body).toEqual(body);
    expect(plain(app.changes.told!.text)).toBe("Merged: 1 model, 2 conflicts decided");
  });

  it("takes a packed copy that was dropped, and says what is wrong with it", async () => {
    const refused = new Problem("archive.refused", "The archive cannot be unpacked: It is damaged.", "", "", 400);
    const app = makeApp({ answers: { "POST import/files": { upload: "u9" }, "POST merge/preview": refused } });
    app.changes.bring([{ path: "x.ccz", file: new File(["PK"], "x.ccz") }]);
    expect(app.changes.importing).toBe(null);
    show(Merge, { copy: app.changes.merging! }, app);
    expect(await screen.findByText(/It is damaged/)).toBeTruthy();
    expect(server.of("POST merge/preview").at(-1)!.body).toEqual({ upload: "u9", rule: "refuse" });
  });
});

describe("words of a merge", () => {
  it("counts what is to be decided", () => {
    expect(undecided(PREVIEW, {}, "refuse")).toBe(2);
    expect(undecided(PREVIEW, {}, "both")).toBe(1);
    expect(undecided(PREVIEW, { "value cnn, Accuracy": "ours" }, "both")).toBe(0);
  });
  it("says what came in", () => {
    expect(plain(previewWords({ ...PREVIEW, num_new: 2, conflicts: [] }))).toBe(
      "2 of 3 models are new. Nothing contradicts what is here.",
    );
    expect(mergedWords({ ...DONE, added: {}, num_conflicts: 0 })).toBe("Nothing new to merge");
    expect(mergedWords({ ...DONE, added: {}, num_conflicts: 0, renamed: { a: "a (2)" } })).toBe(
      "Merged: a came in as a (2)",
    );
  });
});

import { describe, expect, it } from "vitest";
import type { Change } from "@/api/changes";
import { change } from "@/testing/changes";
import { changeWords, differences, metricOf, toldWords, whoWords } from "./changeWords";
import { metric } from "./testing";

const METRICS = [metric("Accuracy", { format: ".1%", min: 0, max: 1 }), metric("Accuracy (top 5)", { format: ".0%" })];
const renamed = change({ action: "rename", models: ["a"], old: { id: "a" }, new: { id: "b" } });
const moved = (base: string | null): Change =>
  change({
    action: "set base",
    models: ["a"],
    old: { base: "r", operation: "prune" },
    new: { base, operation: "prune" },
  });
const deleted = change({ action: "delete", models: ["a", "b", "c"], old: { models: ["a", "b", "c"] }, new: {} });
const corrected = change({ old: { Accuracy: 0.9 }, new: { Accuracy: 0.95 } });

describe("a change in words", () => {
  it("says what was done to which models", () => {
    expect([renamed, deleted, moved(null)].map(changeWords)).toEqual(["Renamed a", "Deleted a and 2 more", "Moved a"]);
    const undone = change({ action: "undo", models: ["a"], old: { change: 3, action: "rename" }, new: {} });
    expect(changeWords(undone)).toBe("Took back: rename of a");
    const version = { action: "new dataset version", models: [], old: {}, new: { dataset: "test@2", examples: 3 } };
    expect(changeWords(change(version))).toBe("Logged the data test@2");
    expect(differences(change(version), METRICS)).toEqual([]);
    const taken = change({ action: "undo", models: [], old: { change: 4, action: version.action }, new: {} });
    expect(changeWords(taken)).toBe("Took back: new dataset version");
  });
  it("says what is otherwise now, in the format of the metric", () => {
    expect(differences(corrected, METRICS)).toEqual([{ name: "Accuracy", old: "90.0%", new: "95.0%" }]);
    expect(differences(moved("q"), METRICS)).toEqual([{ name: "base", old: "r", new: "q" }]);
    expect(differences(deleted, METRICS)).toEqual([]);
    const tags = change({ action: "tags", old: { tags: [] }, new: { tags: ["x", "y"] } });
    expect(differences(tags, METRICS)).toEqual([{ name: "tags", old: "none", new: "x, y" }]);
    const lost = change({ old: { "Accuracy (gpu)": "NaN" }, new: { "Accuracy (gpu)": null } });
    expect(differences(lost, METRICS)).toEqual([{ name: "Accuracy (gpu)", old: "NaN", new: "—" }]);
  });
  it("knows of which metric a value is", () => {
    expect(metricOf("Accuracy (gpu)", METRICS)?.name).toBe("Accuracy");
    expect(metricOf("Accuracy (top 5) (gpu)", METRICS)?.name).toBe("Accuracy (top 5)");
    expect(metricOf("Accurac", METRICS)).toBeUndefined();
  });
  it("tells who did it, with what", () => {
    expect(whoWords(renamed)).toEqual({ who: "anna", full: "anna on box\nserve\ncommit 0123456789ab with changes" });
    expect(whoWords(change({ origin: null })).who).toBe("");
  });
  it("tells what was just done", () => {
    expect([renamed, moved("q"), moved(null), deleted, corrected, null].map((one) => toldWords(one, METRICS))).toEqual([
      "a is called b now.",
      "a comes from q now.",
      "a is a root now.",
      "Deleted a and 2\u00a0models that came from it.",
      "Accuracy of p50 is 95.0% now; it was 90.0%.",
      "It is so already; nothing was changed.",
    ]);
  });
});

/** What was changed, in words. */
import type { Change } from "@/api/changes";
import type { Json } from "@/api/json";
import { formatValue, listWords, plural } from "@/format";
import type { Metric } from "./table";

/** Something that is now otherwise than before. */
export interface Difference {
  readonly name: string;
  readonly old: string;
  readonly new: string;
}

const VERBS: Readonly<Record<string, string>> = {
  delete: "Deleted",
  restore: "Restored",
  purge: "Purged",
  rename: "Renamed",
  "set base": "Moved",
  archive: "Archived",
  unarchive: "Shown again:",
  correct: "Corrected",
  note: "Changed the note of",
  tags: "Changed the tags of",
  "complete outputs": "Completed the predictions of",
  "correct outputs": "Replaced the predictions of",
  merge: "Merged",
  import: "Imported",
};

/** What was done to which models: `Deleted p50 and 2 more`. */
export function changeWords(change: Change): string {
  if (change.action === "undo") {
    const what = typeof change.old.action === "string" ? change.old.action : "delete";
    return `Took back: ${what}${change.models.length > 0 ? ` of ${some(change.models)}` : ""}`;
  }
  if (change.action === "new dataset version") return `Logged the data ${words(change.new.dataset as Json)}`;
  return `${VERBS[change.action] ?? change.action} ${some(change.models)}`;
}

function some(models: readonly string[]): string {
  if (models.length <= 2) return listWords(models);
  return `${models[0]} and ${models.length - 1} more`;
}

/** The values that a change replaced, by name, as the page writes them. */
export function differences(change: Change, metrics: readonly Metric[]): Difference[] {
  if (["delete", "restore", "purge", "archive", "unarchive", "undo", "new dataset version"].includes(change.action))
    return [];
  const names = [...new Set([...Object.keys(change.old), ...Object.keys(change.new)])];
  const say = (name: string, value: unknown): string => {
    const metric = change.action === "correct" ? metricOf(name, metrics) : undefined;
    return metric ? formatValue(metric, numberOf(value as Json)) : words(value as Json);
  };
  return names
    .map((name) => ({ name, old: say(name, change.old[name]), new: say(name, change.new[name]) }))
    .filter((one) => one.old !== one.new || change.action === "correct");
}

/** The metric that a value is of: `Accuracy (gpu)` is a value of Accuracy. */
export function metricOf(name: string, metrics: readonly Metric[]): Metric | undefined {
  const known = metrics.filter((metric) => name === metric.name || name.startsWith(`${metric.name} (`));
  return known.sort((a, b) => b.name.length - a.name.length)[0];
}

/** A number of the history: those that are not finite are texts. */
export function numberOf(value: Json | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function words(value: Json | undefined): string {
  if (value === null || value === undefined || value === "") return "none";
  if (Array.isArray(value)) return value.length > 0 ? value.map((one) => words(one as Json)).join(", ") : "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Who did it: `anna`, and in full with machine, program and commit. */
export function whoWords({ origin }: Change): { who: string; full: string } {
  if (!origin) return { who: "", full: "It is not known who did it." };
  const commit = origin.commit ? `commit ${origin.commit.slice(0, 12)}${origin.dirty ? " with changes" : ""}` : "";
  const full = [`${origin.user} on ${origin.host}`, origin.command, commit].filter(Boolean).join("\n");
  return { who: origin.user, full };
}

/** `Nov 29, 2026, 08:40`, in the reader's time and words. */
export function whenWords(at: string): string {
  return new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** What is said of a change that was just made here. */
export function toldWords(change: Change | null, metrics: readonly Metric[]): string {
  if (!change) return "It is so already; nothing was changed.";
  const [model] = change.models;
  const rest = change.models.length - 1;
  const [difference] = differences(change, metrics);
  switch (change.action) {
    case "rename":
      return `${model} is called ${String(change.new.id)} now.`;
    case "set base":
      return change.new.base === null
        ? `${model} is a root now.`
        : `${model} comes from ${String(change.new.base)} now.`;
    case "correct":
      return difference ? `${difference.name} of ${model} is ${difference.new} now; it was ${difference.old}.` : "";
    case "delete":
      return `Deleted ${model}${rest > 0 ? ` and ${plural(rest, "model")} that came from it` : ""}.`;
    default:
      return `${changeWords(change)}.`;
  }
}

/** Which projects are shown, in which order, and how old each is. */
import type { ProjectEntry } from "@/api/projects";

export type Order = "changed" | "name" | "models";

/** Those whose names have every word of the search in them, in an order; equal ones by name. */
export function listed(projects: readonly ProjectEntry[], search: string, order: Order): ProjectEntry[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = projects.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
  const byName = (a: ProjectEntry, b: ProjectEntry): number => a.name.localeCompare(b.name, "en", { numeric: true });
  const first: Record<Order, (a: ProjectEntry, b: ProjectEntry) => number> = {
    changed: (a, b) => time(b) - time(a),
    models: (a, b) => b.num_models - a.num_models,
    name: () => 0,
  };
  return found.sort((a, b) => first[order](a, b) || byName(a, b));
}

const STEPS: readonly [limit: number, unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86_400, "hour", 3600],
  [30 * 86_400, "day", 86_400],
  [365 * 86_400, "month", 30 * 86_400],
  [Infinity, "year", 365 * 86_400],
];
const WORDS = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** How long ago something was: "3 hours ago". A dash where nothing was. */
export function ago(at: string | null, now: number): string {
  if (at === null) return "–";
  const seconds = Math.max(0, (now - Date.parse(at)) / 1000);
  const [, unit, size] = STEPS.find(([limit]) => seconds < limit)!;
  return unit === "second" ? "just now" : WORDS.format(-Math.floor(seconds / size), unit);
}

function time(project: ProjectEntry): number {
  return project.changed_at === null ? 0 : Date.parse(project.changed_at);
}

/** The address of a project's page. */
export function addressOfProject(name: string): string {
  return `p/${encodeURIComponent(name)}/`;
}

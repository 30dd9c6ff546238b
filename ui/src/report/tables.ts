/** The tables of a report: what stands in each cell. */
import {
  formatChange,
  formatCount,
  formatDifferenceInterval,
  formatValue,
  goodness,
  judge,
  MISSING,
  operationFull,
  type Goodness,
  type MetricLike,
} from "@/format";
import type { Metric, ModelTable } from "@/state/table";
import { formatP } from "@/views/behaviors/sentence";
import { lineageOf, valueOf, type ErrorOf } from "@/widgets/facts";
import type { Align } from "@/export/markdown";
import { group } from "d3-array";
import { countsInWords, verdict } from "@/views/overview/details/coverage";
import { reasonAfter, verdictWords } from "@/views/overview/details/reality";
import type { ClaimRow, GroupRow, JobEntry, LayersSection, SummaryRow } from "./document";

export interface Cell {
  text: string;
  tone?: Goodness;
  mono?: boolean;
  strong?: boolean;
}
export interface Column {
  name: string;
  align?: Align;
}
export interface Table {
  columns: Column[];
  rows: Cell[][];
}

const RIGHT: Align = "right";
const MOST_GROUPS = 12;

/** What a model is called. */
type NameOf = (id: string) => string;
const byId: NameOf = (id) => id;

/** The models with what was done to each since the base, and their metrics with the change against it. */
export function modelsTable(
  table: ModelTable,
  metrics: readonly Metric[],
  models: readonly number[],
  { errorOf = () => null, nameOf = byId }: { errorOf?: ErrorOf; nameOf?: NameOf } = {},
): Table {
  const base = models[0]!;
  const named = models.some((model) => nameOf(table.ids[model]!) !== table.ids[model]);
  const columns: Column[] = [
    { name: "model" },
    ...(named ? [{ name: "id" }] : []),
    { name: "made by" },
    ...metrics.flatMap((metric) => [
      { name: metric.name, align: RIGHT },
      { name: "change", align: RIGHT },
    ]),
  ];
  const rows = models.map((model) => [
    { text: nameOf(table.ids[model]!), mono: !named, strong: model === base },
    ...(named ? [{ text: table.ids[model]!, mono: true }] : []),
    { text: chain(table, model) },
    ...metrics.flatMap((metric): Cell[] => {
      const [value, before] = [model, base].map((row) => valueOf(table, metric.name, row));
      const isKnown = Number.isFinite(value) && Number.isFinite(before);
      const change =
        model === base
          ? { text: "" }
          : {
              text: formatChange(metric, value!, before!),
              tone: isKnown
                ? judge(
                    metric,
                    { value: value!, error: errorOf(model, metric.name) },
                    { value: before!, error: errorOf(base, metric.name) },
                  )
                : undefined,
            };
      return [{ text: formatValue(metric, value!) }, change];
    }),
  ]);
  return { columns, rows };
}

/** The steps after the root: `magnitude prune (amount=0.5) → finetune (epochs=3)`. */
function chain(table: ModelTable, model: number): string {
  const lineage = lineageOf(table, model);
  const steps = lineage.length > 1 ? lineage.slice(1) : lineage;
  return steps.map((step) => operationFull(table.operation[step] ?? null, table.parameters[step])).join(" → ");
}

/** Of each model first what was claimed and how much of it is found, then what its tensors say. */
export function claimsTable(rows: readonly ClaimRow[], nameOf: NameOf = byId): Table {
  const judged = (row: ClaimRow): Cell =>
    row.agrees === null ? { text: MISSING } : { text: verdictWords(row), tone: row.agrees ? "good" : "bad" };
  return {
    columns: ["model", "claim", "verdict", "why", "coverage"].map((name) => ({ name })),
    rows: rows.map((row) => [
      { text: nameOf(row.model) },
      { text: row.claim || MISSING, strong: row.claim !== "" },
      judged(row),
      { text: reasonAfter(row) },
      { text: covered(row) },
    ]),
  };
}

function covered({ counts, names }: ClaimRow): string {
  if (Object.keys(counts).length === 0) return MISSING;
  const words = countsInWords(counts).map(({ text }) => text);
  return `${verdict(counts)} ${words.join(", ")}${names.length > 0 ? `: ${names.join(", ")}` : ""}`;
}

export function summaryTable(
  metric: MetricLike,
  { base, nameOf = byId }: { base: string; nameOf?: NameOf },
  rows: readonly SummaryRow[],
): Table {
  const [first] = rows;
  const flips = rows.some((row) => row.right_to_wrong !== null);
  const columns: Column[] = [
    { name: "model" },
    { name: metric.name, align: RIGHT },
    { name: "change (95%)", align: RIGHT },
    { name: "agreement", align: RIGHT },
    ...(flips ? ["right → wrong", "wrong → right", "other wrong", "p"].map((name) => ({ name, align: RIGHT })) : []),
  ];
  return {
    columns,
    rows: [
      [
        { text: nameOf(base), strong: true },
        { text: formatValue(metric, first?.base_value ?? null) },
        ...columns.slice(2).map(() => ({ text: "" })),
      ],
      ...rows.map((row) => [
        { text: nameOf(row.model) },
        { text: formatValue(metric, row.value) },
        changeCell(metric, row),
        { text: row.agreement === null ? MISSING : `${(row.agreement * 100).toFixed(1)}%` },
        ...(flips ? [row.right_to_wrong, row.wrong_to_right, row.wrong_to_wrong].map(countCell) : []),
        ...(flips ? [{ text: formatP(row.mcnemar_p_adjusted ?? row.mcnemar_p) }] : []),
      ]),
    ],
  };
}

/** The groups that changed most in any model, one row each. */
export function groupsTable(metric: MetricLike, rows: readonly GroupRow[], nameOf: NameOf = byId): Table {
  const models = [...new Set(rows.map((row) => row.model))];
  const groups = group(rows, (row) => String(row.group));
  const size = (list: readonly GroupRow[]): number => Math.max(...list.map((row) => Math.abs(row.difference ?? 0)));
  const ranked = [...groups].sort(([, a], [, b]) => size(b) - size(a)).slice(0, MOST_GROUPS);
  return {
    columns: [
      { name: "class or group" },
      { name: "count", align: RIGHT },
      ...models.map((model) => ({ name: nameOf(model), align: RIGHT })),
    ],
    rows: ranked.map(([name, list]) => [
      { text: name, strong: list.some((row) => row.hurt) },
      { text: formatCount(list[0]!.count) },
      ...models.map((model): Cell => {
        const row = list.find((candidate) => candidate.model === model);
        return row ? changeCell(metric, row) : { text: MISSING };
      }),
    ]),
  };
}

export function layersTable(section: Extract<LayersSection, { problem: null }>, nameOf: NameOf = byId): Table {
  const modules = [...group(section.rows, (row) => row.module)];
  return {
    columns: [
      { name: "module" },
      { name: "weights", align: RIGHT },
      ...section.models.flatMap((model) => [
        { name: nameOf(model), align: RIGHT },
        { name: "zeros", align: RIGHT },
      ]),
    ],
    rows: modules.map(([module, list]) => [
      { text: module || "All layers", mono: module !== "", strong: module === "" },
      { text: formatCount(Math.max(...list.map((row) => row.num_parameters))) },
      ...section.models.flatMap((model): Cell[] => {
        const row = list.find((candidate) => candidate.model === model);
        if (!row) return [{ text: MISSING }, { text: MISSING }];
        return [{ text: decibels(row.sqnr_db) }, { text: percent(row.num_zeros, row.num_parameters) }];
      }),
    ]),
  };
}

function changeCell(metric: MetricLike, row: SummaryRow | GroupRow): Cell {
  if (row.difference === null) return { text: MISSING };
  const supported = row.ci_low !== null && row.ci_high !== null && row.ci_low * row.ci_high > 0;
  const text = formatDifferenceInterval(metric, row.difference, row.ci_low, row.ci_high);
  return { text, tone: supported ? goodness(metric, row.difference) : "neutral" };
}

function countCell(count: number | null): Cell {
  return { text: count === null ? MISSING : formatCount(count) };
}

function decibels(value: number | string | null): string {
  if (value === "Infinity") return "same";
  return typeof value === "number" ? `${value.toFixed(1)} dB` : MISSING;
}

function percent(part: number | null, whole: number): string {
  return part === null || whole === 0 ? MISSING : `${((part / whole) * 100).toFixed(1)}%`;
}

/** The jobs of a project, as far as they are. */
export function jobsTable(jobs: readonly JobEntry[]): Table {
  return {
    columns: [{ name: "job" }, { name: "state" }, { name: "done", align: RIGHT }, { name: "last said" }],
    rows: jobs.map(({ what, state, progress, message }) => [
      { text: what, mono: true },
      { text: state, tone: state === "failed" ? "bad" : undefined },
      { text: `${Math.round(100 * progress)}%` },
      { text: message },
    ]),
  };
}

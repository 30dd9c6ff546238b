/** Small tables for tests. */
import type { Json } from "@/api/json";
import { buildTable, type Metric, type ModelTable } from "./table";

export interface TestModel {
  id: string;
  base?: string;
  operation?: string | null;
  parameters?: Record<string, Json>;
  tags?: string[];
  teacher?: string;
  /** One value per metric. */
  values?: (number | null)[];
}

export function metric(name: string, change: Partial<Metric> = {}): Metric {
  return {
    name,
    unit: "",
    format: "",
    higher_is_better: null,
    primary: false,
    min: null,
    max: null,
    description: "",
    ...change,
  };
}

export function testTable(models: TestModel[], metrics: Metric[] = []): ModelTable {
  return buildTable({
    revision: 1,
    ids: models.map(({ id }) => id),
    bases: models.map(({ base }) => base ?? null),
    operation: models.map(({ operation }) => operation ?? null),
    parameters: models.map(({ parameters }) => parameters ?? {}),
    tags: models.map(({ tags }) => tags ?? []),
    references: models.map(({ teacher }) => (teacher ? [{ role: "teacher", model: teacher }] : [])),
    metrics,
    values: metrics.map((_, k) => models.map(({ values }) => values?.[k] ?? null)),
  });
}

/** "train > prune 0.5 > finetune" per model: the id is the text, the base the text without its last step. */
export function chains(...texts: string[]): ModelTable {
  return testTable(
    texts.map((id) => {
      const steps = id.split(" > ");
      const [, operation, amount] = /^(.*?)(?: ([\d.]+))?$/.exec(steps.at(-1)!)!;
      return {
        id,
        base: steps.length > 1 ? steps.slice(0, -1).join(" > ") : undefined,
        operation,
        parameters: (amount ? { amount: Number(amount) } : {}) as Record<string, Json>,
      };
    }),
  );
}

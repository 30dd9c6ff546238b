/** What the server knows of single models, as its interface describes it. */
import type { ModelDetails } from "@/api/models";
import type { ModelTable } from "@/state/table";
import type { Asked } from "./server";

export const CHECKPOINT = {
  format: "safetensors",
  num_bytes: 4096,
  files: [{ name: "model.safetensors", sha256: "abcdef0123456789", num_bytes: 4096 }],
};

export function details(id: string, change: Partial<ModelDetails> = {}): ModelDetails {
  return {
    id,
    base: null,
    operation: "train",
    parameters: {},
    step: 0,
    created_at: "2026-01-02T03:04:05Z",
    lineage: [{ model: id, operation: "train", parameters: {} }],
    references: [],
    tags: [],
    note: "",
    metrics: [],
    checkpoint: CHECKPOINT,
    datasets: [],
    replicate: null,
    archived: false,
    origin: null,
    corrections: [],
    ...change,
  };
}

/** Answers with the model that is asked for, as a table has it. */
export function modelOf(table: ModelTable, change: Partial<ModelDetails> = {}) {
  return ({ query }: Asked): ModelDetails => {
    const id = query.get("id")!;
    const row = table.indexOf.get(id)!;
    const base = table.base[row]!;
    return details(id, {
      base: base < 0 ? null : table.ids[base]!,
      operation: table.operation[row] ?? null,
      parameters: table.parameters[row]!,
      tags: table.tags[row]!,
      ...change,
    });
  };
}

/** Jobs and operations as the server describes them. */
import type { Job, OperationForm } from "@/api/jobs";

export function job(change: Partial<Job> = {}): Job {
  return {
    id: "j1",
    kind: "operation",
    title: "prune cnn",
    state: "running",
    progress: 0.25,
    message: "epoch 1 of 4",
    reason: null,
    error: null,
    parent: null,
    model: "cnn-pruned",
    attempts: 1,
    created_at: "2026-01-01T00:00:00Z",
    started_at: "2026-01-01T00:00:01Z",
    finished_at: null,
    ...change,
  };
}

export const PRUNE: OperationForm = {
  name: "magnitude prune",
  description: "Set the smallest weights to zero.",
  data: "none",
  roles: [],
  main: ["amount"],
  lowers: "non-zero weights",
  parameters: {
    properties: {
      amount: { default: 0.5, description: "Share of zeros.", maximum: 1, minimum: 0, type: "number" },
      scope: { default: "global", description: "Over what.", enum: ["global", "local"], type: "string" },
      keep: { default: true, description: "Keep zeros.", type: "boolean" },
      targets: { default: [], description: "Which tensors.", items: { type: "string" }, type: "array" },
    },
  },
};

export const DISTILL: OperationForm = {
  name: "distill",
  description: "Train towards a teacher.",
  data: "finetune",
  roles: ["teacher"],
  main: [],
  lowers: "training loss",
  parameters: { properties: {} },
};

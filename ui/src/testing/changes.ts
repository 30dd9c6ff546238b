/** Changes as the server tells them. */
import type { Change } from "@/api/changes";

export function change(part: Partial<Change> = {}): Change {
  return {
    number: 7,
    at: "2026-01-02T03:04:05Z",
    action: "correct",
    models: ["p50"],
    old: { Accuracy: 0.9 },
    new: { Accuracy: 0.95 },
    reason: "typo",
    undoable: true,
    undone_by: null,
    origin: {
      user: "anna",
      host: "box",
      packages: {},
      commit: "0123456789abcdef",
      dirty: true,
      command: "serve",
      token: "",
    },
    ...part,
  };
}

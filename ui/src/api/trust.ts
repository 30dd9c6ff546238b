/** What a project asks to run on this machine: it runs once its user has seen and allowed it. */
import { answerOf, api } from "./client";
import type { Schemas } from "./types";

export type Task = Schemas["TaskAllow"];

/** The roots whose models something can build and measure. */
export async function fetchTaskRoots(signal?: AbortSignal): Promise<string[]> {
  return (await answerOf(api.GET("/api/v1/tasks", { signal }))).tasks.map(({ root }) => root);
}

/** Let a task run, exactly as it was shown. */
export async function allowTask({ path, options, folders }: Task): Promise<void> {
  await answerOf(api.POST("/api/v1/tasks/trust", { body: { path, options, folders } }));
}

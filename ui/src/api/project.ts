/** The project: its definitions, all its models, and the news of it. */
import { decodeModels } from "@/state/decode";
import type { Metric, ModelTable } from "@/state/table";
import { request, requestJson } from "./client";
import type { ProjectInfo } from "./types";

export function fetchProject(signal?: AbortSignal): Promise<ProjectInfo> {
  return requestJson<ProjectInfo>("project", { signal });
}

export async function fetchModels(metrics: Metric[], signal?: AbortSignal): Promise<ModelTable> {
  const response = await request("models", { accept: "application/vnd.apache.arrow.stream", signal });
  const revision = Number(response.headers.get("X-Revision") ?? 0);
  return decodeModels(new Uint8Array(await response.arrayBuffer()), metrics, revision);
}

export type Connection = "connecting" | "live" | "lost";

/** Milliseconds until the next try, where the browser does not try again by itself. */
const RETRY = 3000;

/** Listen for new revisions until the returned function is called, again and again where the connection is lost. */
export function watchRevisions(
  onRevision: (revision: number) => void, onConnection: (connection: Connection) => void,
): () => void {
  let source: EventSource;
  let timer = 0;
  const open = (): void => {
    source = new EventSource("api/v1/events");
    source.addEventListener("open", () => onConnection("live"));
    source.addEventListener("error", () => {
      onConnection("lost");
      if (source.readyState === EventSource.CLOSED) timer = window.setTimeout(open, RETRY);
    });
    source.addEventListener("revision", (event) => {
      const { revision } = JSON.parse((event as MessageEvent<string>).data) as { revision: number };
      onRevision(revision);
    });
  };
  open();
  return () => {
    window.clearTimeout(timer);
    source.close();
  };
}

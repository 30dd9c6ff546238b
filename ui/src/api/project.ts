/** The project: its definitions, all its models, and the news of it. */
import { isFile, request, requestJson } from "./client";
import type { ProjectInfo, Schemas } from "./types";

const ARROW = "application/vnd.apache.arrow.stream";

/** A named view: its name and the part of the address after the page's own. */
export type SavedView = Schemas["View"];
type Metric = Schemas["MetricAnswer"];

export function fetchProject(signal?: AbortSignal): Promise<ProjectInfo> {
  return requestJson<ProjectInfo>("project", { signal });
}

/** All models as an Arrow stream, which `state/decode` reads, and the revision that it shows. */
export async function fetchModels(signal?: AbortSignal): Promise<{ bytes: Uint8Array; revision: number }> {
  const response = await request("models", { accept: ARROW, query: { precision: "single" }, signal });
  const revision = Number(response.headers.get("X-Revision") ?? 0);
  return { bytes: new Uint8Array(await response.arrayBuffer()), revision };
}

/** Standard errors of all metrics as an Arrow stream, which `state/decode` reads. */
export async function fetchStandardErrors(signal?: AbortSignal): Promise<Uint8Array> {
  const response = await request("standard-errors", { accept: ARROW, signal });
  return new Uint8Array(await response.arrayBuffer());
}

/** Say which direction of a metric is better; null for neither. */
export function changeDirection(name: string, higher_is_better: boolean | null): Promise<Metric> {
  return requestJson<Metric>("metric", { method: "PATCH", query: { name }, body: { higher_is_better } });
}

export async function fetchViews(signal?: AbortSignal): Promise<SavedView[]> {
  return (await requestJson<Schemas["Views"]>("views", { signal })).views;
}

/** Keep a view, in place of one of the same name; returns all of them. */
export async function saveView(view: SavedView): Promise<SavedView[]> {
  return (await requestJson<Schemas["Views"]>("views", { method: "POST", body: view })).views;
}

/** Forget a view; returns the others. */
export async function deleteView(name: string): Promise<SavedView[]> {
  return (await requestJson<Schemas["Views"]>("views", { method: "DELETE", query: { name } })).views;
}

/** `none`: the page is in a file, of which there are no news. */
export type Connection = "connecting" | "live" | "lost" | "none";

/** Milliseconds until the next try, where the browser does not try again by itself. */
const RETRY = 3000;

/**
 * Listen for new revisions of the project and of its jobs until the returned
 * function is called, again and again where the connection is lost.
 */
export function watchRevisions(
  onRevision: (revision: number) => void,
  onConnection: (connection: Connection) => void,
  onJobs: (revision: number) => void = () => undefined,
): () => void {
  if (isFile) {
    onConnection("none");
    return () => undefined;
  }
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
    source.addEventListener("jobs", (event) => {
      onJobs((JSON.parse((event as MessageEvent<string>).data) as { revision: number }).revision);
    });
  };
  open();
  return () => {
    window.clearTimeout(timer);
    source.close();
  };
}

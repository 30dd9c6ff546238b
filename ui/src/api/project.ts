/** The project: its definitions, all its models, and the news of it. */
import { answerOf, api, isFile } from "./client";
import type { ProjectInfo, Schemas } from "./types";

const ARROW = { Accept: "application/vnd.apache.arrow.stream" };

/** A named view: its name and the part of the address after the page's own. */
export type SavedView = Schemas["View"];
type Metric = Schemas["MetricAnswer"];

export function fetchProject(signal?: AbortSignal): Promise<ProjectInfo> {
  return answerOf(api.GET("/api/v1/project", { signal }));
}

/** All models as an Arrow stream, which `state/decode` reads, and the revision that it shows. */
export async function fetchModels(signal?: AbortSignal): Promise<{ bytes: Uint8Array; revision: number }> {
  const query = { precision: "single" } as const;
  const asked = api.GET("/api/v1/models", { params: { query }, headers: ARROW, parseAs: "arrayBuffer", signal });
  const { data, response } = await asked;
  return { bytes: new Uint8Array(data!), revision: Number(response.headers.get("X-Revision") ?? 0) };
}

/** Standard errors of all metrics as an Arrow stream, which `state/decode` reads. */
export async function fetchStandardErrors(signal?: AbortSignal): Promise<Uint8Array> {
  const asked = api.GET("/api/v1/standard-errors", { headers: ARROW, parseAs: "arrayBuffer", signal });
  return new Uint8Array(await answerOf(asked));
}

/** Say which direction of a metric is better; null for neither. */
export function changeDirection(name: string, higher_is_better: boolean | null): Promise<Metric> {
  return answerOf(api.PATCH("/api/v1/metric", { params: { query: { name } }, body: { higher_is_better } }));
}

export async function fetchViews(signal?: AbortSignal): Promise<SavedView[]> {
  return (await answerOf(api.GET("/api/v1/views", { signal }))).views;
}

/** Keep a view under its name; returns all of them. */
export async function saveView(view: Schemas["ViewSave"]): Promise<SavedView[]> {
  return (await answerOf(api.POST("/api/v1/views", { body: view }))).views;
}

/** Forget a view; returns the others. */
export async function deleteView(name: string): Promise<SavedView[]> {
  return (await answerOf(api.DELETE("/api/v1/views", { params: { query: { name } } }))).views;
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
      onRevision((JSON.parse((event as MessageEvent<string>).data) as Schemas["RevisionNews"]).revision);
    });
    source.addEventListener("jobs", (event) => {
      onJobs((JSON.parse((event as MessageEvent<string>).data) as Schemas["JobsNews"]).revision);
    });
  };
  open();
  return () => {
    window.clearTimeout(timer);
    source.close();
  };
}

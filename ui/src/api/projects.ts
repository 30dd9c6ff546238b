/** The projects of a server for several. */
import { answerOf, api } from "./client";
import type { Schemas } from "./types";

export type ProjectEntry = Schemas["ProjectEntry"];
export type ProjectList = Schemas["ProjectsAnswer"];

export function fetchProjects(signal?: AbortSignal): Promise<ProjectList> {
  return answerOf(api.GET("/api/v1/projects", { signal }));
}

/** Make an empty project. */
export function makeProject(name: string): Promise<ProjectEntry> {
  return answerOf(api.POST("/api/v1/projects", { body: { name } }));
}

/** End the sessions of whoever is signed in here. */
export async function signOut(): Promise<void> {
  await api.POST("/api/v1/logout", {});
}

/** How far an answer is that takes long, and an end to it. */
import { answerOf, api } from "./client";
import { ApiError } from "./problem";
import type { Schemas } from "./types";

/** `total` is 0 while it is not known. */
export type Watched = Schemas["Watched"];

/** A name that no other request has. */
export function watchName(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** How far the request of this name is; null if it has been answered, or has not come yet. */
export async function fetchWatch(name: string): Promise<Watched | null> {
  try {
    return await answerOf(api.GET("/api/v1/watches/{name}", { params: { path: { name } } }));
  } catch (error) {
    // the request that is watched says what is wrong
    if (error instanceof ApiError) return null;
    throw error;
  }
}

export async function cancelWatch(name: string): Promise<void> {
  await api.DELETE("/api/v1/watches/{name}", { params: { path: { name } } });
}

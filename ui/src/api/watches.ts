/** How far an answer is that takes long, and an end to it. */
import { request, requestJson } from "./client";
import { ApiError } from "./problem";

export interface Watched {
  /** What is done now. */
  readonly what: string;
  readonly done: number;
  /** 0 while it is not known. */
  readonly total: number;
}

/** A name that no other request has. */
export function watchName(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** How far the request of this name is; null if it has been answered, or has not come yet. */
export async function fetchWatch(name: string): Promise<Watched | null> {
  try {
    return await requestJson<Watched | null>(`watches/${name}`);
  } catch (error) {
    // the request that is watched says what is wrong
    if (error instanceof ApiError) return null;
    throw error;
  }
}

export async function cancelWatch(name: string): Promise<void> {
  await request(`watches/${name}`, { method: "DELETE" });
}

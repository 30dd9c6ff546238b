/** Changes that a person makes here: what is asked in a dialog, what was done, and how to take it back. */
import { undoChange, type Change } from "@/api/changes";
import type { Dropped } from "@/api/imports";
import { ApiError } from "@/api/problem";
import { toldWords } from "./changeWords";
import type { ProjectStore } from "./project.svelte";

/** What can be asked about a model. */
export type Kind = "rename" | "move" | "archive" | "delete" | "correct" | "gate" | "ship" | "evaluate";

export interface Question {
  readonly kind: Kind;
  readonly model: string;
  /** What of it: the name of a metric. */
  readonly about?: string;
}

export interface Told {
  readonly text: string;
  /** The number of the change that can be taken back; null for none. */
  readonly undo: number | null;
  readonly failed: boolean;
}

/** Another copy of this project: a packed one that was dropped, or its path on the machine of the server. */
export interface Copy {
  readonly files?: readonly Dropped[];
  readonly path?: string;
}

export class ChangesStore {
  /** What the open dialog asks; null while none is open. */
  question: Question | null = $state.raw(null);
  /** What was done last; null once it was read. */
  told: Told | null = $state.raw(null);
  /** Files that are to be imported, none yet while they are to be chosen; null while nothing is imported. */
  importing: readonly Dropped[] | null = $state.raw(null);
  /** What is to be merged; null while nothing is. */
  merging: Copy | null = $state.raw(null);
  readonly #project: ProjectStore;

  constructor(project: ProjectStore) {
    this.#project = project;
  }

  /** Why the project cannot be changed from here; null where it can. */
  get refusal(): string | null {
    return this.#project.refusal("log");
  }

  /** Whether the project can be changed from here. */
  get possible(): boolean {
    return this.refusal === null;
  }

  ask(question: Question | null): void {
    this.question = question;
  }

  /** Open the import with files, or close it. A packed copy of a project is merged. */
  bring(files: readonly Dropped[] | null): void {
    if (files?.length === 1 && files[0]!.path.endsWith(".ccz")) this.merge({ files });
    else this.importing = files;
  }

  /** Open the merge with another copy, or close it. */
  merge(copy: Copy | null): void {
    this.importing = null;
    this.merging = copy;
  }

  /** Say what was done that cannot be taken back in one step, and show the project as it is now. */
  async said(text: string): Promise<void> {
    this.told = { text, undo: null, failed: false };
    await this.#project.refresh();
  }

  /** Say what was done, and show the project as it is now. */
  async made(change: Change | null): Promise<void> {
    const text = toldWords(change, this.#project.table?.metrics ?? []);
    this.told = { text, undo: change?.undoable ? change.number : null, failed: false };
    await this.#project.refresh();
  }

  async undo(number: number): Promise<void> {
    try {
      await this.made(await undoChange(number));
    } catch (error) {
      this.failed(error);
    }
  }

  /** Say why something was not done. */
  failed(error: unknown): void {
    if (!(error instanceof ApiError)) throw error;
    const text = [error.message, error.detail, error.hint].filter(Boolean).join(" ");
    this.told = { text, undo: null, failed: true };
  }

  read(): void {
    this.told = null;
  }
}

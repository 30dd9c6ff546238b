/** What a report says beside the answers of the server; `report/sections.py` writes it. */
import type { Json } from "@/api/json";
import type { Counts } from "@/api/behaviors";

type WireNumber = number | "NaN" | "Infinity" | "-Infinity" | null;

export interface SummaryRow extends Counts {
  model: string;
  interval: string;
  mcnemar_p_adjusted?: number | null;
}

export interface GroupRow extends Counts {
  model: string;
  group: Json;
  hurt?: boolean | null;
}

export interface Instance {
  id: Json;
  label: Json;
  image: string | null;
  text: string | null;
  /** Of the base, then of each model. */
  predictions: Json[];
}

export type BehaviorsSection =
  | { dataset: string; problem: string }
  | {
      dataset: string;
      problem: null;
      metric: string;
      meaning: string;
      higher_is_better: boolean | null;
      num_instances: number;
      summary: SummaryRow[];
      groups: GroupRow[];
      instances: Instance[];
    };

export interface LayerRow {
  module: string;
  model: string;
  num_parameters: number;
  sqnr_db: WireNumber;
  num_zeros: number | null;
}

export type LayersSection =
  | { problem: string }
  | {
      problem: null;
      models: string[];
      rows: LayerRow[];
      left_out: number;
      /** Models of which not all was compared, and how much. */
      partial?: Record<string, string>;
      suspects: { module: string; model: string; reason: string }[];
    };

/** What was said of a model, and what its tensors show. */
export interface ClaimRow {
  model: string;
  agrees: boolean | null;
  /** Why not, by name. */
  causes: string[];
  claim: string;
  reason: string;
  /** Tensors by what happened to them; empty where that was not looked at. */
  counts: Record<string, number>;
  /** Of those that changed, or did not, against what the operation says. */
  names: string[];
}

export interface ReportDocument {
  kind: "report";
  models: string[];
  base: string;
  day: string;
  version: string;
  claims: ClaimRow[];
  behaviors: BehaviorsSection[];
  layers: LayersSection | null;
}

export interface PageDocument {
  kind: "page";
  page: string;
  models: string[];
  /** What models are compared with; null where nothing is compared. */
  base: string | null;
  /** What the page would have in its address. */
  own: Record<string, string[]>;
  behaviors: BehaviorsSection[];
  jobs: JobEntry[];
}

/** A job as a line: what it does, and how that went. */
export interface JobEntry {
  what: string;
  state: string;
  progress: number;
  message: string;
}

/** Checkpoints beside each other, without a project. */
export interface LayersDocument {
  kind: "layers";
  models: string[];
  base: string;
  day: string;
  version: string;
  /** What is said of each model in sentences, best known first. */
  said: { model: string; sentences: string[] }[];
}

export type FileDocument = ReportDocument | PageDocument | LayersDocument;

export function readDocument(): FileDocument {
  return JSON.parse(document.getElementById("document")!.textContent!) as FileDocument;
}

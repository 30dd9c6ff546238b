/** What the coverage proof says, in words. */
import { plural } from "@/format";

const ORDER = ["unexpected", "skipped", "removed", "added", "resized", "changed", "unchanged"];
const WORDS: Record<string, string> = {
  unexpected: "changed that should not have",
  skipped: "skipped",
  unchanged: "rightly unchanged",
};

/** Whether a person should look at tensors of this status. */
export function isSuspicious(status: string): boolean {
  return status === "unexpected" || status === "skipped";
}

/** The statuses that occur, those to look at first, e.g. "1 changed that should not have". */
export function countsInWords(counts: Record<string, number>): { status: string; text: string }[] {
  return ORDER.filter((status) => counts[status]).map((status) => ({
    status,
    text: `${counts[status]!.toLocaleString("en")} ${WORDS[status] ?? status}`,
  }));
}

/** One sentence about all tensors. */
export function verdict(counts: Record<string, number>): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const wrong = (counts.unexpected ?? 0) + (counts.skipped ?? 0);
  const tensors = plural(total, "tensor");
  return wrong === 0
    ? `${tensors}, all as the operation says.`
    : `${wrong.toLocaleString("en")} of ${tensors} to look at.`;
}

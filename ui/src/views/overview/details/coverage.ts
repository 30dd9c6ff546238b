/** What the coverage proof says, in words. */
import { plural } from "@/format";

const ORDER = ["unexpected", "skipped", "unread", "removed", "added", "resized", "changed", "unchanged"];
const WORDS: Record<string, string> = {
  unexpected: "changed unexpectedly",
  skipped: "skipped unexpectedly",
  unread: "in an unsupported packing",
  unchanged: "unchanged, as expected",
};

/** Whether a person should look at tensors of this status. */
export function isSuspicious(status: string): boolean {
  return status === "unexpected" || status === "skipped";
}

/** The statuses that occur, those to look at first, e.g. "1 changed unexpectedly". */
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
  const unread = counts.unread ?? 0;
  if (wrong === 0 && unread > 0) return `${unread.toLocaleString("en")} of ${tensors} cannot be read.`;
  return wrong === 0
    ? `${tensors}, all as expected.`
    : `${wrong.toLocaleString("en")} of ${tensors} ${wrong === 1 ? "needs" : "need"} a look.`;
}

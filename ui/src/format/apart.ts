/** Labels that tell names apart: what is cut is what they share, never what they differ in. */
import { shorten } from "./text";

const CUT = "…";

/** Pieces that end after a separator: `cnn-`, `magnitude70-`, `finetuned`. */
const pieces = (text: string): string[] => text.match(/[^-_./ ]*[-_./ ]|[^-_./ ]+$/g) ?? [text];

/** How many pieces all texts begin with, of none all of them. */
function sharedPieces(split: readonly string[][]): number {
  const [first, ...others] = split;
  let shared = 0;
  while (first && others.length > 0 && split.every((own) => shared < own.length - 1 && own[shared] === first[shared])) {
    shared++;
  }
  return shared;
}

/**
 * Each text in at most `limit` characters where that leaves all of them different, in the order given. What all share
 * at their beginnings goes first; then the middle, the beginning, or the end, whichever keeps a text apart from all
 * others. A text that none of these keeps apart stays whole.
 */
export function shortenApart(texts: readonly string[], limit = 24): string[] {
  const all = [...new Set(texts)];
  const cut = all.filter((text) => text.length > limit);
  if (cut.length === 0) return [...texts];
  const split = cut.map(pieces);
  const shared = sharedPieces(split);
  const rest = new Map(
    cut.map((text, k) => [text, shared === 0 ? text : CUT + split[k]!.slice(shared).join("")] as const),
  );
  const ways: ((text: string) => string)[] = [
    (text) => shorten(rest.get(text)!, limit),
    (text) => shorten(text, limit),
    (text) => CUT + text.slice(1 - limit),
    (text) => text.slice(0, limit - 1) + CUT,
  ];
  const taken = new Set(all.filter((text) => text.length <= limit));
  const found = new Map<string, string>();
  for (const way of ways) {
    const left = cut.filter((text) => !found.has(text));
    const counts = new Map<string, number>();
    for (const text of left) counts.set(way(text), (counts.get(way(text)) ?? 0) + 1);
    for (const text of left) {
      const short = way(text);
      if (counts.get(short) === 1 && !taken.has(short)) found.set(text, short);
    }
    for (const short of found.values()) taken.add(short);
  }
  return texts.map((text) => found.get(text) ?? text);
}

/** The same for several limits, each worked out once. */
export function apartAt(texts: readonly string[]): (limit: number) => readonly string[] {
  const known = new Map<number, readonly string[]>();
  return (limit) => {
    let short = known.get(limit);
    if (!short) known.set(limit, (short = shortenApart(texts, limit)));
    return short;
  };
}

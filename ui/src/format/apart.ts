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

/** Letters of a word that are left when it is cut. */
const STEM = 3;

/**
 * A text with the ends of its words cut, always of the longest one, until it has at most `limit` characters; its
 * numbers stay: `cnn-magnitude50-calibrated` in 18 is `cnn-magn…50-calib…`. Null where even stems are too long.
 */
function stems(text: string, limit: number): string | null {
  const parts = (text.match(/(?:\p{L}\p{M}*)+|\P{L}+/gu) ?? [text]).map((part) => ({
    letters: part.match(/\p{L}\p{M}*/gu),
    text: part,
  }));
  const total = (): number => parts.reduce((sum, part) => sum + part.text.length, 0);
  while (total() > limit) {
    let longest: (typeof parts)[number] | undefined;
    for (const part of parts) {
      const leaves = (part.letters?.length ?? 0) - (part.text.endsWith(CUT) ? 1 : 2);
      if (leaves >= STEM && part.text.length > (longest?.text.length ?? 0)) longest = part;
    }
    if (!longest) return null;
    // the first cut makes room for its mark as well
    longest.letters!.splice(longest.text.endsWith(CUT) ? -1 : -2);
    longest.text = longest.letters!.join("") + CUT;
  }
  return parts.map((part) => part.text).join("");
}

/**
 * Each text in at most `limit` characters where that leaves all of them different, in the order given. What all share
 * at their beginnings goes first; then the ends of words, the middle, the beginning, or the end, whichever keeps a text
 * apart from all others. A text that none of these keeps apart stays whole.
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
  const ways: ((text: string) => string | null)[] = [
    (text) => (/[-_./ ]/.test(text) ? (stems(rest.get(text)!, limit) ?? stems(text, limit)) : null),
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
    const tried = left.map(way);
    for (const short of tried) if (short !== null) counts.set(short, (counts.get(short) ?? 0) + 1);
    for (const [k, text] of left.entries()) {
      const short = tried[k] ?? null;
      if (short !== null && counts.get(short) === 1 && !taken.has(short)) found.set(text, short);
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

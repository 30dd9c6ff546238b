/** Labels that tell names apart: what is cut is what they share, never what they differ in. */
import { shorten } from "./text";

const CUT = "…";
/** Between the steps of a path. */
const STEP = " → ";

/** Pieces that end after a separator: `cnn-`, `magnitude70-`, `finetuned`; a point within a number is none. */
const pieces = (text: string): string[] =>
  text.match(/(?:[^-_./ ]|(?<=\d)\.(?=\d))*(?:[-_./ ]|$)/g)?.filter(Boolean) ?? [text];

/** How many pieces all texts begin with, of none all of them. */
function sharedPieces(split: readonly string[][]): number {
  const [first, ...others] = split;
  let shared = 0;
  while (first && others.length > 0 && split.every((own) => shared < own.length - 1 && own[shared] === first[shared])) {
    shared++;
  }
  return shared;
}

/** What follows the pieces that all share: of a path from its next arrow on, where only a unit stands before that. */
function afterShared(split: readonly string[], shared: number): string {
  const before = split[shared - 1] === "→ " ? "→ " : "";
  return (
    CUT +
    before +
    split
      .slice(shared)
      .join("")
      .replace(/^\p{L}+ (?=→ )/u, "")
  );
}

/** Letters of a word that are left when it is cut. */
const STEM = 3;

/**
 * A text with the ends of its words cut, always of the longest one, until it has at most `limit` characters; its
 * numbers stay: `cnn-magnitude50-calibrated` in 18 is `cnn-magn…50-calib…`. Null where even stems are too long. Without
 * a mark of the cut there is room for more.
 */
function stems(text: string, limit: number, mark = CUT): string | null {
  const parts = (text.match(/(?:\p{L}\p{M}*)+|\P{L}+/gu) ?? [text]).map((part) => ({
    letters: part.match(/\p{L}\p{M}*/gu),
    text: part,
  }));
  const isCut = (part: string): boolean => mark !== "" && part.endsWith(mark);
  const total = (): number => parts.reduce((sum, part) => sum + part.text.length, 0);
  while (total() > limit) {
    let longest: (typeof parts)[number] | undefined;
    for (const part of parts) {
      const leaves = (part.letters?.length ?? 0) - (isCut(part.text) ? 1 : 1 + mark.length);
      if (leaves >= STEM && part.text.length > (longest?.text.length ?? 0)) longest = part;
    }
    if (!longest) return null;
    // the first cut makes room for its mark as well
    longest.letters!.splice(isCut(longest.text) ? -1 : -1 - mark.length);
    longest.text = longest.letters!.join("") + mark;
  }
  return parts.map((part) => part.text).join("");
}

/** The last steps of paths, `→ ft → quantize 4 bits`, with how many paths end with them. */
function endings(texts: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const text of texts) {
    for (let at = text.indexOf(STEP); at >= 0; at = text.indexOf(STEP, at + 1)) {
      const rest = text.slice(at + 1);
      found.set(rest, (found.get(rest) ?? 0) + 1);
    }
  }
  return found;
}

/** A path without its first steps, as many as it takes; null where it would end like another one, or does not fit. */
function lastSteps(text: string, limit: number, ends: ReadonlyMap<string, number>): string | null {
  for (let at = text.indexOf(STEP); at >= 0; at = text.indexOf(STEP, at + 1)) {
    const rest = text.slice(at + 1);
    if (ends.get(rest) !== 1) return null;
    const short = CUT + rest;
    const fitting = short.length <= limit ? short : stems(short, limit);
    if (fitting !== null) return fitting;
  }
  return null;
}

/**
 * Each text in at most `limit` characters where that leaves all of them different, in the order given. What all share
 * at their beginnings goes first; then the ends of words, first steps, the middle, the beginning, or the end, whichever
 * keeps a text apart from all others. A text that none of these keeps apart stays whole. Of the steps of a path
 * (`prune 0.7 → ft`) only words are cut, or the first ones left out.
 */
export function shortenApart(texts: readonly string[], limit = 24): string[] {
  const all = [...new Set(texts)];
  const cut = all.filter((text) => text.length > limit);
  if (cut.length === 0) return [...texts];
  const split = cut.map(pieces);
  const shared = sharedPieces(split);
  const rest = new Map(cut.map((text, k) => [text, shared === 0 ? text : afterShared(split[k]!, shared)] as const));
  let ends: Map<string, number> | null = null;
  const isPath = (text: string): boolean => text.includes(STEP);
  const byLetters = (way: (text: string) => string) => (text: string) => (isPath(text) ? null : way(text));
  const ways: ((text: string) => string | null)[] = [
    (text) => (/[-_./ ]/.test(text) ? (stems(rest.get(text)!, limit) ?? stems(text, limit)) : null),
    (text) => (isPath(text) ? stems(rest.get(text)!, limit, "") : null),
    (text) => lastSteps(text, limit, (ends ??= endings(all))),
    byLetters((text) => shorten(rest.get(text)!, limit)),
    byLetters((text) => shorten(text, limit)),
    byLetters((text) => CUT + text.slice(1 - limit)),
    byLetters((text) => text.slice(0, limit - 1) + CUT),
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

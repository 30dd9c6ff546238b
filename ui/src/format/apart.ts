/** Labels that tell names apart: what is cut is what they share, never what they differ in. */
import { shorten } from "./text";

const CUT = "…";

/** Pieces that end after a separator: `cnn-`, `magnitude70-`, `finetuned`. */
const pieces = (text: string): string[] => text.match(/[^-_./ ]*[-_./ ]|[^-_./ ]+$/g) ?? [text];

/** The text without its first or last pieces as far as all others have them, too. */
function withoutShared(text: string, all: readonly string[]): string {
  const own = pieces(text);
  const others = all.filter((other) => other !== text).map(pieces);
  if (others.length === 0) return text;
  let start = 0;
  while (start < own.length - 1 && others.every((other) => other[start] === own[start])) start++;
  return start === 0 ? text : CUT + own.slice(start).join("");
}

/**
 * Each text in at most `limit` characters where that leaves all of them different, in the order given. What all share
 * at their beginnings goes first; then the middle, the beginning, or the end, whichever keeps a text apart from all
 * others. A text that none of these keeps apart stays whole.
 */
export function shortenApart(texts: readonly string[], limit = 24): string[] {
  const all = [...new Set(texts)];
  const ways: ((text: string) => string)[] = [
    (text) => shorten(text, limit),
    (text) => shorten(withoutShared(text, all), limit),
    (text) => (text.length <= limit ? text : CUT + text.slice(1 - limit)),
    (text) => (text.length <= limit ? text : text.slice(0, limit - 1) + CUT),
  ];
  const cut = all.filter((text) => text.length > limit);
  const whole = new Map(all.map((text) => [text, text]));
  if (cut.length === 0) return [...texts];
  const tried = ways.map((way) => new Map(all.map((text) => [text, way(text)])));
  // first choice: without what all share, when that alone is short enough
  const order = [tried[1]!, tried[0]!, tried[2]!, tried[3]!];
  const taken = new Set(all.filter((text) => text.length <= limit));
  for (const text of cut) {
    const found = order
      .map((way) => way.get(text)!)
      .find((short, k) => isApart(short, text, order[k]!) && !taken.has(short));
    taken.add(found ?? text);
    whole.set(text, found ?? text);
  }
  return texts.map((text) => whole.get(text)!);
}

/** Whether no other text is cut to the same by the same way. */
function isApart(short: string, text: string, way: ReadonlyMap<string, string>): boolean {
  for (const [other, said] of way) if (other !== text && said === short) return false;
  return true;
}

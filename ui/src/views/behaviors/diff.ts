/** Which words of a text are new against another one. */
export interface Piece {
  text: string;
  kind: "same" | "added" | "removed";
}

/** Words beyond this are not compared: the table of two texts grows with the product of their lengths. */
export const MOST_WORDS = 1500;

const words = (text: string): string[] => text.match(/\s+|[^\s]+/g) ?? [];

/** The words of `after` in order, with those of `before` that are gone where they were; null for very long texts. */
export function wordDiff(before: string, after: string): Piece[] | null {
  const [a, b] = [words(before), words(after)];
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) return null;
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
    }
  }
  const pieces: Piece[] = [];
  const add = (text: string, kind: Piece["kind"]): void => {
    const last = pieces[pieces.length - 1];
    if (last?.kind === kind) last.text += text;
    else pieces.push({ text, kind });
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      add(b[j]!, "same");
      [i, j] = [i + 1, j + 1];
    } else if (i < a.length && (j === b.length || common[(i + 1) * width + j]! >= common[i * width + j + 1]!))
      add(a[i++]!, "removed");
    else add(b[j++]!, "added");
  }
  return pieces;
}

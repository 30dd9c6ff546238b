/** The shape of a sound. */

/** The least and largest sample in each of a number of equal pieces, from −1 to 1. */
export function envelope(samples: Float32Array, pieces: number): [number, number][] {
  const size = Math.max(1, Math.ceil(samples.length / pieces));
  const found: [number, number][] = [];
  for (let start = 0; start < samples.length; start += size) {
    let [low, high] = [0, 0];
    for (let at = start; at < Math.min(start + size, samples.length); at += 1) {
      low = Math.min(low, samples[at]!);
      high = Math.max(high, samples[at]!);
    }
    found.push([low, high]);
  }
  return found;
}

/** An SVG path around an envelope, with zero in the middle of a height. */
export function outline(shape: readonly [number, number][], width: number, height: number): string {
  if (shape.length === 0) return "";
  const step = width / shape.length;
  const y = (value: number): number => (height / 2) * (1 - value);
  return shape.map(([low, high], k) => `M${(k + 0.5) * step} ${y(high) - 0.5}V${y(low) + 0.5}`).join("");
}

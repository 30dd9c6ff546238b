/** Which model a click or a key takes. */

/** Of models at one place: the one after that which is selected, so that clicking again reaches every one. */
export function nextOf(models: readonly number[], selection: readonly number[]): number {
  const current = models.findIndex((model) => selection.includes(model));
  return models[(current + 1) % models.length]!;
}

/** The nearest model with a larger (or with -1 smaller) position than the current one; the first without one. */
export function nextAlong(
  positions: ArrayLike<number>,
  current: number | null,
  direction: number,
  accept: (model: number) => boolean,
): number | null {
  const from = current === null ? Number.NaN : positions[current]!;
  let best: number | null = null;
  const ahead = (model: number): boolean => {
    if (Number.isNaN(from)) return true;
    const distance = direction * (positions[model]! - from);
    return distance > 0 || (distance === 0 && direction * (model - current!) > 0);
  };
  const nearer = (a: number, b: number): boolean => {
    const distance = direction * (positions[a]! - positions[b]!);
    return distance < 0 || (distance === 0 && direction * (a - b) < 0);
  };
  for (let i = 0; i < positions.length; i++) {
    if (Number.isNaN(positions[i]!) || i === current || !accept(i) || !ahead(i)) continue;
    if (best === null || nearer(i, best)) best = i;
  }
  return best ?? current;
}

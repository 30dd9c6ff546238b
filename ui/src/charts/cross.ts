/** The mark of what is worse than where the colors end. */
export function traceCross(pen: Pick<CanvasPath, "moveTo" | "lineTo">, x: number, y: number, reach: number): void {
  const d = reach * Math.SQRT1_2;
  pen.moveTo(x - d, y - d);
  pen.lineTo(x + d, y + d);
  pen.moveTo(x - d, y + d);
  pen.lineTo(x + d, y - d);
}

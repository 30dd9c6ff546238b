/** What turning a wheel asks for, the same in every view. */

/** Pixels of what browsers give as one line. */
const LINE = 16;

export interface Turn {
  /** Whether it zooms, by how far it goes down; else it moves. */
  readonly zooms: boolean;
  /** In pixels. */
  readonly across: number;
  readonly down: number;
}

type Wheel = Pick<WheelEvent, "deltaX" | "deltaY" | "deltaMode" | "ctrlKey" | "metaKey" | "shiftKey">;

/** Ctrl zooms, shift turns a wheel that only goes up and down sideways. */
export function turnOf(event: Wheel): Turn {
  const unit = event.deltaMode === 1 ? LINE : 1;
  const [across, down] = [event.deltaX * unit, event.deltaY * unit];
  const zooms = event.ctrlKey || event.metaKey;
  return !zooms && event.shiftKey && across === 0 ? { zooms, across: down, down: 0 } : { zooms, across, down };
}

/** How much closer a turn that zooms goes; above 1 for up. */
export const closer = (turn: Turn): number => Math.exp(-turn.down * 0.004);

export interface Place {
  readonly left: number;
  readonly top: number;
}

/**
 * Where a tooltip goes: right below the pointer, on its other side where it would leave the window. What is at the
 * `end` of a button ends where this does.
 */
export function placeBeside(
  pointer: { readonly x: number; readonly y: number },
  box: { readonly width: number; readonly height: number },
  window: { readonly width: number; readonly height: number },
  gap = 14,
  end = false,
): Place {
  if (end) pointer = { x: Math.min(pointer.x, window.width - 4) - box.width - gap, y: pointer.y };
  const after = pointer.x + gap;
  const before = pointer.x - gap - box.width;
  const left = after + box.width <= window.width - 4 || before < 4 ? after : before;
  const below = pointer.y + gap;
  const above = pointer.y - gap - box.height;
  const top = below + box.height <= window.height - 4 || above < 4 ? below : above;
  return {
    left: Math.round(Math.max(4, Math.min(left, window.width - box.width - 4))),
    top: Math.round(Math.max(4, Math.min(top, window.height - box.height - 4))),
  };
}

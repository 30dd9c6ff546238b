/** What jsdom lacks of a browser: sizes of elements, a clipboard, canvases that can be drawn on, pointer capture. */
import { vi } from "vitest";

/** The size that every element has. */
export const SIZE = { width: 800, height: 400 };

class Observer {
  readonly #told: ResizeObserverCallback;

  constructor(told: ResizeObserverCallback) {
    this.#told = told;
  }

  observe(target: Element): void {
    const entry = { target, contentRect: SIZE, borderBoxSize: [{ inlineSize: SIZE.width, blockSize: SIZE.height }] };
    queueMicrotask(() => this.#told([entry as unknown as ResizeObserverEntry], this as unknown as ResizeObserver));
  }

  unobserve(): void {}

  disconnect(): void {}
}

/** A context whose methods do nothing and whose measures are those of letters six pixels wide. */
function context(canvas: HTMLCanvasElement): unknown {
  const known: Record<string | symbol, unknown> = {
    canvas,
    measureText: (text: string) => ({ width: text.length * 6 }),
    createLinearGradient: () => ({ addColorStop: () => undefined }),
    getImageData: () => ({ data: new Uint8ClampedArray(4) }),
  };
  return new Proxy(known, {
    get: (target, name) => target[name] ?? (() => undefined),
    set: (target, name, value) => {
      target[name] = value;
      return true;
    },
  });
}

export const clipboard = { writeText: vi.fn((text: string) => Promise.resolve(void text)) };

export function install(): void {
  vi.stubGlobal("ResizeObserver", Observer);
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => undefined }));
  vi.stubGlobal("ImageData", class {});
  for (const [name, value] of [
    ["clientWidth", SIZE.width],
    ["clientHeight", SIZE.height],
    ["offsetWidth", SIZE.width],
    ["offsetHeight", 30],
  ] as const) {
    Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => value });
  }
  Object.defineProperty(navigator, "clipboard", { configurable: true, value: clipboard });
  Object.assign(HTMLCanvasElement.prototype, {
    getContext(this: HTMLCanvasElement) {
      return context(this);
    },
  });
  Object.assign(Element.prototype, { setPointerCapture() {}, releasePointerCapture() {}, scrollIntoView() {} });
  Object.assign(HTMLDialogElement.prototype, {
    showModal(this: HTMLDialogElement) {
      this.open = true;
    },
    close(this: HTMLDialogElement) {
      this.open = false;
    },
  });
}

import { expect, it } from "vitest";
import { placeBeside } from "./place";

const window = { width: 1000, height: 600 };
const box = { width: 200, height: 100 };

it("goes right below the pointer", () => {
  expect(placeBeside({ x: 100, y: 100 }, box, window)).toEqual({ left: 114, top: 114 });
});
it("changes sides at the edges", () => {
  expect(placeBeside({ x: 950, y: 580 }, box, window)).toEqual({ left: 736, top: 466 });
});
it("stays inside when it fits nowhere", () => {
  const place = placeBeside({ x: 100, y: 100 }, { width: 990, height: 590 }, window);
  expect(place).toEqual({ left: 6, top: 6 });
});
it("ends where its button ends, at the edge of the window too", () => {
  expect(placeBeside({ x: 500, y: 100 }, box, window, 2, true)).toEqual({ left: 300, top: 102 });
  expect(placeBeside({ x: 996, y: 100 }, box, window, 2, true)).toEqual({ left: 796, top: 102 });
  expect(placeBeside({ x: 85, y: 100 }, box, window, 2, true)).toEqual({ left: 4, top: 102 });
});

import { describe, expect, it } from "vitest";
import { fileName } from "./download";
import { subpaths } from "./dom";

describe("subpaths", () => {
  it("reads absolute and relative lines", () => {
    expect(subpaths("M1,2L3,4H5V6Z")).toEqual([
      {
        points: [
          [1, 2],
          [3, 4],
          [5, 4],
          [5, 6],
        ],
        closed: true,
      },
    ]);
    expect(subpaths("M10,-3l3,-3l3,6l3,-3")).toEqual([
      {
        points: [
          [10, -3],
          [13, -6],
          [16, 0],
          [19, -3],
        ],
        closed: false,
      },
    ]);
    expect(subpaths("M0,0l-8,5v-10z M1.5,1e1 2,3")).toEqual([
      {
        points: [
          [0, 0],
          [-8, 5],
          [-8, -5],
        ],
        closed: true,
      },
      {
        points: [
          [1.5, 10],
          [2, 3],
        ],
        closed: false,
      },
    ]);
  });
});

describe("fileName", () => {
  it("keeps letters of any script and nothing that means something to a file system", () => {
    expect(fileName("../résumé: a/b\\c*?.png")).toBe("résumé- a-b-c-.png");
    expect(fileName("模型 👩‍🔬.csv")).toBe("模型 -.csv");
    expect(fileName("///")).toBe("download");
  });
});

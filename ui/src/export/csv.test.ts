import { describe, expect, it } from "vitest";
import { csvField, toCsv } from "./csv";

describe("CSV", () => {
  it("quotes what needs it", () => {
    expect(
      toCsv(
        ["id", 'a "b", c'],
        [
          ["x\ny", 1.5],
          ["ü 👩‍🔬", null],
        ],
      ),
    ).toBe('id,"a ""b"", c"\r\n"x\ny",1.5\r\nü 👩‍🔬,\r\n');
  });

  it("defuses formulas, not numbers", () => {
    expect(["=1+1", "+1", "-1", "@SUM(A1)", "\tx", '=HYPERLINK("x")'].map(csvField)).toEqual([
      "'=1+1",
      "'+1",
      "'-1",
      "'@SUM(A1)",
      "'\tx",
      `"'=HYPERLINK(""x"")"`,
    ]);
    expect([-1, 1e-7, NaN, -Infinity, true].map(csvField)).toEqual(["-1", "1e-7", "NaN", "-Infinity", "true"]);
    expect(csvField("a=1")).toBe("a=1");
  });
});

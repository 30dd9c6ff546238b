import { describe, expect, test } from "vitest";
import { toLatex, toMarkdown } from "./markdown";

const table = {
  header: ["model", "accuracy"],
  align: ["left", "right"] as const,
  rows: [
    ["cnn_p50|x", "97.5%"],
    ["a<b>", "−1.3 pp"],
  ],
};

describe("a table for other documents", () => {
  test("in Markdown", () => {
    expect(toMarkdown(table)).toBe(
      ["| model | accuracy |", "|---|---:|", "| cnn\\_p50\\|x | 97.5% |", "| a\\<b\\> | −1.3 pp |", ""].join("\n"),
    );
  });

  test("in LaTeX", () => {
    expect(toLatex(table)).toBe(
      [
        "\\begin{tabular}{lr}",
        "\\toprule",
        "model & accuracy \\\\",
        "\\midrule",
        "cnn\\_p50|x & 97.5\\% \\\\",
        "a$<$b$>$ & $-$1.3 pp \\\\",
        "\\bottomrule",
        "\\end{tabular}",
        "",
      ].join("\n"),
    );
  });

  test("a backslash stays one", () => {
    expect(toLatex({ header: ["\\x{}"], align: ["left"], rows: [] })).toContain("\\textbackslash{}x\\{\\}");
  });

  test("a line break does not break the row", () => {
    expect(toMarkdown({ header: ["a\nb"], align: ["left"], rows: [] }).split("\n")[0]).toBe("| a b |");
  });
});

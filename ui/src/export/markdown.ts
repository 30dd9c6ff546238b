/** Tables as Markdown for model cards, and as LaTeX (booktabs) for papers. */
export type Align = "left" | "right";

export interface TextTable {
  readonly header: readonly string[];
  readonly align: readonly Align[];
  readonly rows: readonly (readonly string[])[];
}

export function toMarkdown({ header, align, rows }: TextTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownCell).join(" | ")} |`;
  const rule = `|${align.map((side) => (side === "right" ? "---:" : "---")).join("|")}|`;
  return `${[line(header), rule, ...rows.map(line)].join("\n")}\n`;
}

/** Nothing in a cell can end it or be taken for markup. */
function markdownCell(text: string): string {
  return text.replaceAll(/[\\|`*_<>[\]]/g, "\\$&").replaceAll(/\s+/g, " ");
}

export function toLatex({ header, align, rows }: TextTable): string {
  const line = (cells: readonly string[]): string => `${cells.map(latexCell).join(" & ")} \\\\`;
  const columns = align.map((side) => side[0]).join("");
  const body = [`\\begin{tabular}{${columns}}`, "\\toprule", line(header), "\\midrule", ...rows.map(line)];
  return `${[...body, "\\bottomrule", "\\end{tabular}"].join("\n")}\n`;
}

const LATEX: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "−": "$-$",
  "→": "$\\to$",
  "±": "$\\pm$",
  "×": "$\\times$",
  "∞": "$\\infty$",
  "<": "$<$",
  ">": "$>$",
  "–": "--",
  "…": "\\ldots{}",
  "\u00a0": "~",
};

function latexCell(text: string): string {
  return text.replaceAll(/[\\~^−→±×∞<>–…\u00a0]|[&%$#_{}]/g, (character) => LATEX[character] ?? `\\${character}`);
}

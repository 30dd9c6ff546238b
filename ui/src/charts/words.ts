import { formatParameter } from "@/format";
import type { Variable, VariableValue } from "./bars";

/** A value of a variable as an axis or a legend says it; presence reads as without and with. */
export function valueWord(variable: Pick<Variable, "kind"> | undefined, value: VariableValue): string {
  if (value === null) return "none";
  if (variable?.kind === "presence") return value === true ? "with" : "without";
  return formatParameter(value);
}

/** The same with the variable's name: `amount 0.5`, `without train 2`, `quantize` for an operation. */
export function valuePhrase(variable: Variable, value: VariableValue): string {
  if (variable.kind === "presence") return `${value === true ? "with" : "without"} ${variable.name}`;
  const bare = variable.kind === "operation" || variable.kind === "sequence" || variable.kind === "root";
  if (value === null) return bare ? "without this step" : `without ${variable.name}`;
  return bare ? formatParameter(value) : `${variable.name} ${formatParameter(value)}`;
}

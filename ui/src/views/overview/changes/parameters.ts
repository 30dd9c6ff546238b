/** Parameters of an operation as one line of text, and back. */
import type { Json } from "@/api/json";

/** `amount=0.5, layers=["a","b"], scope=global`. */
export function parametersText(parameters: Readonly<Record<string, Json>>): string {
  const say = (value: Json): string =>
    typeof value === "string" && read(value) === value ? value : JSON.stringify(value);
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${say(value)}`)
    .join(", ");
}

/** The inverse: a value is JSON where it can be read as such, else the text itself. */
export function parametersOf(text: string): Record<string, Json> {
  // a comma separates where a name and "=" follow it
  const parts = text.split(/,\s*(?=[^,=]+=)/).filter((part) => part.trim());
  return Object.fromEntries(
    parts.map((part) => {
      const at = part.indexOf("=");
      return at < 0 ? [part.trim(), true] : [part.slice(0, at).trim(), read(part.slice(at + 1).trim())];
    }),
  );
}

function read(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

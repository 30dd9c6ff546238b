// @vitest-environment jsdom
import { afterEach, expect, test } from "vitest";
import { closes } from "./escape";

afterEach(() => document.body.replaceChildren());

function pressed(key: string, on: Element = document.body): boolean {
  let said = false;
  const listen = (event: KeyboardEvent): void => void (said = closes(event));
  window.addEventListener("keydown", listen);
  on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  window.removeEventListener("keydown", listen);
  return said;
}

test("Escape closes what lies below only where nothing lies above it", () => {
  expect([pressed("Escape"), pressed("Enter")]).toEqual([true, false]);
  const input = document.body.appendChild(document.createElement("input"));
  expect(pressed("Escape", input)).toBe(false);
  const menu = document.body.appendChild(document.createElement("div"));
  menu.setAttribute("role", "menu");
  expect(pressed("Escape")).toBe(false);
});

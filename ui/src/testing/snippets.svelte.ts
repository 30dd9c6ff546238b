/** Snippets for components that draw what they are given. */
import { createRawSnippet, type Snippet } from "svelte";

/** Draws this markup, which has one element around it. */
export const html = (markup: string): Snippet => createRawSnippet(() => ({ render: () => markup }));

/** Draws an element with a text that follows the first parameter. */
export function textOf<T>(tag: string, text: (value: T) => string, attributes = ""): Snippet<[T]> {
  return createRawSnippet((value) => ({
    render: () => `<${tag} ${attributes}></${tag}>`,
    setup(element) {
      $effect(() => {
        element.textContent = text(value());
      });
    },
  }));
}

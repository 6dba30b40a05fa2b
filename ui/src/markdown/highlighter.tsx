// Colours for code, as elements: highlight.js finds the parts, lowlight gives them as a tree.

import type { Element, Root, RootContent } from "hast";
import { common, createLowlight } from "lowlight";
import type { ComponentChildren } from "preact";

const lowlight = createLowlight(common);

/** The code itself where its language is not known. */
export function highlighted(language: string, code: string): ComponentChildren {
  const name = language.toLowerCase();
  return lowlight.registered(name) ? shown(lowlight.highlight(name, code)) : code;
}

const shown = (parent: Root | Element): ComponentChildren => parent.children.map(part);

function part(node: RootContent, key: number): ComponentChildren {
  if (node.type === "text") return node.value;
  if (node.type !== "element") return null;
  const names = node.properties["className"];
  return <span key={key} class={Array.isArray(names) ? names.join(" ") : undefined}>{shown(node)}</span>;
}

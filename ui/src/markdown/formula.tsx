// A formula, drawn by KaTeX, which is loaded with the first one; its source where that fails.

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { KatexOptions } from "katex";

type Katex = typeof import("katex").default;
const katex = signal<Katex | null>(null);
let asked = false;

async function load(): Promise<void> {
  if (asked) return;
  asked = true;
  katex.value = (await import("katex")).default;
}

/** Nothing that links, loads or styles; `\pmb` alone would set a style attribute. */
const CAREFUL: KatexOptions = {
  throwOnError: true,
  trust: false,
  strict: "ignore",
  maxSize: 20,
  maxExpand: 300,
};
const LONGEST = 4_000;

export function Formula({ text, display }: { text: string; display: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  const draw = katex.value;
  useEffect(() => void load(), []);
  useLayoutEffect(() => drawInto(place.current!, draw, text, display), [draw, text, display]);
  return <span class={display ? "formula display" : "formula"} ref={place} />;
}

function drawInto(place: HTMLElement, draw: Katex | null, text: string, display: boolean): void {
  if (draw && text.length <= LONGEST) {
    try {
      // KaTeX makes elements and sets their styles one by one, which the content policy allows.
      draw.render(text, place, { ...CAREFUL, displayMode: display, macros: { "\\pmb": "\\boldsymbol{#1}" } });
      return;
    } catch {
      // Half written, or no formula at all.
    }
  }
  place.replaceChildren(text);
}

// A block of code: its language, a button that copies it, and colours once it is whole.

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { CopyButton } from "../components/copy-button";
import { t } from "../i18n/texts";

type Highlighter = typeof import("./highlighter").highlighted;
const highlighter = signal<Highlighter | null>(null);
let asked = false;

/** Colouring is loaded with the first code. */
async function load(): Promise<void> {
  if (asked) return;
  asked = true;
  highlighter.value = (await import("./highlighter")).highlighted;
}

const LONGEST = 50_000;

export function Code({ text, language, writing }: { text: string; language: string; writing: boolean }) {
  const name = /^[\w+#.-]{1,24}/.exec(language)?.[0] ?? "";
  const paint = highlighter.value;
  const coloured = name !== "" && text.length < (writing ? LONGEST / 20 : LONGEST);
  useEffect(() => void load(), []);
  const shown = useMemo(() => (paint && coloured ? paint(name, text) : text), [paint, coloured, name, text]);
  return (
    <figure class="code">
      <figcaption>
        <span>{name}</span>
        <CopyButton text={text} label={t("code.copy")} />
      </figcaption>
      <pre tabIndex={0}><code>{shown}</code></pre>
    </figure>
  );
}

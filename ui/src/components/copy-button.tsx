// Copies a text, and says that it did.

import { Check, Copy } from "lucide-preact";
import { useState } from "preact/hooks";
import { t } from "../i18n/texts";

const SHOWN_MS = 1_500;

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  async function copy(): Promise<void> {
    await copyText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  }
  return (
    <button type="button" class="icon" onClick={() => void copy()} title={label}>
      {copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
      <span class="hidden" aria-live="polite">{copied ? t("answer.copied") : label}</span>
    </button>
  );
}

/** Over plain HTTP on another machine browsers have no clipboard but this old way. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

// The context window as a bar: what the conversation takes, and what is being typed.

import { t } from "../i18n/texts";
import { typedTokens, usedTokens, windowTokens } from "../state/meter";

export function ContextMeter() {
  const window = windowTokens.value;
  if (!window) return null;
  const used = Math.min(usedTokens.value, window);
  const typed = Math.min(typedTokens.value, window - used);
  const words = t("context.used", { used: usedTokens.value + typedTokens.value, window });
  const full = (used + typed) / window > 0.85 ? " full" : "";
  return (
    <div class={`meter${full}`} role="meter" aria-label={t("context.label")} aria-valuemin={0} aria-valuemax={window} aria-valuenow={used + typed} aria-valuetext={words} title={typed ? `${words} (${t("context.typed", { count: typed })})` : words}>
      <span class="bar" aria-hidden>
        <span class="used" style={{ width: `${(100 * used) / window}%` }} />
        <span class="typed" style={{ width: `${(100 * typed) / window}%` }} />
      </span>
      <span class="meter-words" aria-hidden>{words}</span>
    </div>
  );
}

// An answer while it is written, and before: in the queue, or while the prompt is read.

import { t } from "../i18n/texts";
import { Markdown } from "../markdown/markdown";
import type { Live, Phase } from "../state/live";

export function LiveAnswer({ live }: { live: Live }) {
  const phase = live.phase.value;
  return (
    <article class="answer live" aria-label={t("answer.label")} aria-busy="true">
      {live.text.value && <Markdown text={live.text.value} writing />}
      {phase.name !== "writing" && <Waiting phase={phase} />}
    </article>
  );
}

function Waiting({ phase }: { phase: Phase }) {
  return (
    <p class="waiting" role="status">
      <span class="pulse" aria-hidden />
      {wordsFor(phase)}
      {phase.name === "prefill" && <progress max={100} value={phase.percent} aria-hidden />}
    </p>
  );
}

function wordsFor(phase: Phase): string {
  if (phase.name === "prefill") return t("phase.prefill", { percent: phase.percent });
  if (phase.name !== "queue") return t("phase.sending");
  const { position, seconds } = phase;
  return seconds >= 1 ? t("phase.queue_wait", { position, seconds: Math.round(seconds) }) : t("phase.queue", { position });
}

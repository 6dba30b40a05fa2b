// How full the model's context window is: by the newest answer, and by what is being typed.

import { computed, effect, signal } from "@preact/signals";
import { countTemplate, countTokens } from "../api/routes";
import { live, path, setup } from "./chat";
import { files, text } from "./composer";
import { health } from "./health";

const PAUSE = 400;

export const typedTokens = signal(0);
const templateTokens = signal(0);

/** Of the model that will answer: the one that sees, where there is something to see. */
export const windowTokens = computed(() => {
  const models = health.value?.models;
  const shown = files.value.length > 0 || path.value.some((each) => each.images.length);
  return (shown && models?.vision.context_length) || models?.text.context_length || 0;
});

/** Tokens of the conversation so far, as its newest answer counted them. */
export const usedTokens = computed(() => {
  const counted = path.value.findLast((each) => each.usage)?.usage;
  return counted?.total_tokens ?? live.value?.context?.prompt_tokens ?? templateTokens.value;
});

/** Counts what is typed whenever the person pauses; a count that fails is none. */
export function watchTyping(): void {
  let timer = 0;
  let controller = new AbortController();
  effect(() => {
    const words = text.value.trim();
    clearTimeout(timer);
    controller.abort();
    if (!words) {
      typedTokens.value = 0;
      return;
    }
    controller = new AbortController();
    const { signal } = controller;
    timer = window.setTimeout(() => {
      countTokens(words, signal).then((tokens) => void (typedTokens.value = tokens), () => undefined);
    }, PAUSE);
  });
  effect(() => {
    const { template, variables } = setup.value;
    templateTokens.value = 0;
    if (!template) return;
    countTemplate(template.name, variables ?? {}).then(
      (tokens) => setup.value.template === template && (templateTokens.value = tokens),
      () => undefined,
    );
  });
}

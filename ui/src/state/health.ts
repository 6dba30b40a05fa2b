// What the models and the engine are doing, looked at now and then while the page is seen.

import { effect, signal, untracked } from "@preact/signals";
import { Unreachable } from "../api/client";
import { readHealth, readVision } from "../api/routes";
import type { Health, VisionInfo } from "../api/types";
import { language } from "../i18n/texts";

const OFTEN = 2_000;
const SELDOM = 20_000;

export const health = signal<Health | null>(null);
export const reachable = signal(true);
export const vision = signal<VisionInfo | null>(null);
let timer = 0;

export async function look(): Promise<void> {
  clearTimeout(timer);
  try {
    const now = await readHealth();
    if (now.models.vision.status !== vision.value?.status) vision.value = await readVision();
    health.value = now;
    reachable.value = true;
  } catch (error) {
    reachable.value = !(error instanceof Unreachable);
  }
  const calm = reachable.value && health.value?.status === "ok" && !document.hidden;
  timer = window.setTimeout(look, calm ? SELDOM : OFTEN);
}

/** Looks at once, and again when the page is seen again or speaks another language. */
export function watchHealth(): void {
  document.addEventListener("visibilitychange", () => void (document.hidden || look()));
  effect(() => {
    void language.value;
    untracked(() => void look());
  });
}

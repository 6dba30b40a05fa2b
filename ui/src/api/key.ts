// The API key, where the server asks for one: in this tab, or on this device if the person says so.

import { signal } from "@preact/signals";

const NAME = "sllm.key";

/** What the dialog needs while somebody waits for a key: `refused` when there was one already. */
export const wanted = signal<{ refused: boolean; answer: (given: boolean) => void } | null>(null);
let waiting: Promise<boolean> | null = null;
let refusedToSay = false;

/** Whether the person was asked, and closed the dialog. */
export const declined = (): boolean => refusedToSay;

export const savedKey = (): string | null => sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME);

export function forgetKey(): void {
  sessionStorage.removeItem(NAME);
  localStorage.removeItem(NAME);
}

/** Whether there is now another key than `refused`. All who wait share one dialog. */
export function askForKey(refused: string | null): Promise<boolean> {
  if (savedKey() !== refused) return Promise.resolve(true);
  waiting ??= new Promise<boolean>((resolve) => {
    wanted.value = { refused: refused !== null, answer: resolve };
  }).finally(() => {
    waiting = null;
    wanted.value = null;
  });
  return waiting;
}

/** The dialog's answer; an empty key is none. */
export function answerWith(key: string, onThisDevice: boolean): void {
  forgetKey();
  refusedToSay = key === "";
  if (key) (onThisDevice ? localStorage : sessionStorage).setItem(NAME, key);
  wanted.value?.answer(key !== "");
}

// What is being typed: words and pictures, kept until the server has them.

import { computed, effect, signal } from "@preact/signals";
import { t } from "../i18n/texts";
import { openId } from "./chat";
import { vision } from "./health";
import { save, saved } from "./storage";

export interface Notice {
  words: string;
  /** When to try again by itself, in milliseconds of the clock; null: only when asked to. */
  retryAt: number | null;
  retry: (() => void) | null;
}

const KINDS = ["image/png", "image/jpeg", "image/webp", "image/gif"];

export const text = signal("");
export const files = signal<File[]>([]);
export const notice = signal<Notice | null>(null);
export const limits = computed(() => vision.value?.image ?? { max_images: 4, max_bytes: 10 * 2 ** 20 });

const draftName = (id: string | null): string => `draft.${id ?? "new"}`;

let carried: string | null = null;

/** A new conversation got its name: what is being typed goes on in it. */
export function carryDraft(id: string): void {
  carried = id;
  save(draftName(null), undefined);
  save(draftName(id), text.peek() || undefined);
}

/** Follows what is open: every conversation has its own draft. */
export function followDrafts(): void {
  effect(() => {
    const id = openId.value;
    if (id !== null && id === carried) return;
    text.value = saved(draftName(id), "");
    files.value = [];
    notice.value = null;
  });
}

export function type(words: string): void {
  text.value = words;
  save(draftName(openId.peek()), words || undefined);
}

/** The server has it. */
export const forgetDraft = (id: string | null): void => save(draftName(id), undefined);

export function say(words: string): void {
  notice.value = { words, retryAt: null, retry: null };
}

/** Takes pictures; says of the first that cannot be taken why. */
export function attach(given: Iterable<File>): void {
  const all = [...given];
  if (!all.length) return;
  const problem = all.map(problemWith).find(Boolean);
  const fine = all.filter((file) => !problemWith(file));
  const room = limits.value.max_images - files.value.length;
  files.value = [...files.value, ...fine.slice(0, room)];
  if (problem) say(problem);
  else if (fine.length > room) say(t("image.too_many", { limit: limits.value.max_images }));
  else notice.value = null;
}

export const detach = (file: File): void => void (files.value = files.value.filter((each) => each !== file));

function problemWith(file: File): string {
  if (vision.value?.status !== "ready") return vision.value?.reason ?? t("image.no_model");
  if (!KINDS.includes(file.type)) return t("image.not_image", { name: file.name });
  if (file.size <= limits.value.max_bytes) return "";
  return t("image.too_large", { name: file.name, limit: limits.value.max_bytes / 2 ** 20 });
}

// The list at the left: pages of conversations, found by words or all of them.

import { signal } from "@preact/signals";
import { wordsOf } from "../api/client";
import * as routes from "../api/routes";
import type { ConversationSummary } from "../api/types";

const PAGE = 30;

export const list = signal<ConversationSummary[]>([]);
export const total = signal(0);
export const query = signal("");
export const listError = signal("");
export const listed = signal(false);
let turn = 0;

/** The newest ones again; those of later pages stay. */
export async function refreshList(): Promise<void> {
  const mine = ++turn;
  const many = Math.max(PAGE, Math.min(100, list.value.length));
  await reading(mine, () => routes.listConversations(query.value, 1, many), (found) => {
    const ids = new Set(found.items.map((each) => each.id));
    const older = found.total > found.items.length ? list.value.slice(many).filter((each) => !ids.has(each.id)) : [];
    list.value = [...found.items, ...older];
    total.value = found.total;
  });
}

export async function showMore(): Promise<void> {
  const mine = ++turn;
  const page = Math.floor(list.value.length / PAGE) + 1;
  await reading(mine, () => routes.listConversations(query.value, page, PAGE), (found) => {
    const known = new Set(list.value.map((each) => each.id));
    list.value = [...list.value, ...found.items.filter((each) => !known.has(each.id))];
    total.value = found.total;
  });
}

export async function search(words: string): Promise<void> {
  query.value = words;
  list.value = [];
  listed.value = false;
  await refreshList();
}

/** Only the newest look at the list counts. */
async function reading<T>(mine: number, look: () => Promise<T>, take: (found: T) => void): Promise<void> {
  try {
    const found = await look();
    if (mine !== turn) return;
    take(found);
    listError.value = "";
    listed.value = true;
  } catch (error) {
    if (mine === turn) listError.value = wordsOf(error);
  }
}

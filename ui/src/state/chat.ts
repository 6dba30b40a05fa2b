// The conversation that is open: its messages, its branch, its options.

import { computed, signal } from "@preact/signals";
import { Refused, wordsOf } from "../api/client";
import * as routes from "../api/routes";
import type { Context, Conversation, Message, Scalar, Template } from "../api/types";
import { newestLeaf, pathTo, treeOf, versions, type Tree } from "./branches";
import { refreshList } from "./conversations";
import { lives } from "./live";
import { optionsIn, withOptions, type Options } from "./options";

/** What the next message tells the model from then on. */
export interface Setup {
  system?: string;
  template?: Template;
  variables?: Record<string, Scalar>;
}

/** What is known of an answer beyond what the server keeps. */
export interface Note {
  context?: Context;
  warnings?: string[];
  error?: string;
  files?: File[];
}

const POLL = 700;

export const openId = signal<string | null>(null);
export const conversation = signal<Conversation | null>(null);
export const tree = signal<Tree>(new Map());
export const leaf = signal<string | null>(null);
export const options = signal<Options>({});
export const setup = signal<Setup>({});
export const openError = signal("");
export const notes = signal<ReadonlyMap<string, Note>>(new Map());

export const path = computed(() => pathTo(tree.value, leaf.value));
export const live = computed(() => lives.value.find((each) => each.conversationId === openId.value) ?? null);
export const loading = computed(() => openId.value !== null && !conversation.value && !openError.value);

export function put(message: Message): void {
  tree.value = new Map(tree.value).set(message.id, message);
}

export function note(id: string, more: Note): void {
  notes.value = new Map(notes.value).set(id, { ...notes.value.get(id), ...more });
}

/** Opens a conversation, or an empty page for a new one. */
export async function open(id: string | null): Promise<void> {
  openId.value = id;
  conversation.value = null;
  openError.value = "";
  tree.value = new Map();
  leaf.value = null;
  options.value = {};
  setup.value = {};
  if (location.hash.slice(1) !== (id ?? "")) history.pushState(null, "", id ? `#${id}` : location.pathname);
  if (id) await load(id);
}

/** Reads the open conversation, again or for the first time. */
export async function load(id: string): Promise<void> {
  try {
    const found = await routes.readConversation(id);
    if (openId.value !== id) return;
    take(found);
    for (const each of found.messages) if (each.status === "pending") void settle(id, each.id);
  } catch (error) {
    if (openId.value !== id) return;
    openError.value = wordsOf(error);
    if (error instanceof Refused && error.status === 404) void refreshList();
  }
}

export function take(found: Conversation): void {
  conversation.value = found;
  tree.value = treeOf(found.messages);
  leaf.value = found.current_message_id;
  options.value = optionsIn(found.metadata);
  openError.value = "";
}

/** Looks at a message until nobody writes it any more. */
export async function settle(id: string, messageId: string): Promise<void> {
  while (openId.value === id && !lives.value.some((each) => each.messageId.value === messageId)) {
    try {
      const message = await routes.readMessage(id, messageId);
      if (openId.value !== id) return;
      const stopped = message.status === "pending" && tree.value.get(messageId)?.status !== "pending";
      if (!stopped) put(message);
      if (message.status !== "pending") return;
    } catch (error) {
      if (error instanceof Refused && error.status < 500) return;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

/** To the version `step` places away, and along it to its newest message. */
export async function stepBranch(message: Message, step: number): Promise<void> {
  const all = versions(tree.value, message);
  const next = all[all.findIndex((each) => each.id === message.id) + step];
  if (!next || !openId.value) return;
  leaf.value = newestLeaf(tree.value, next.id);
  await tell({ current_message_id: leaf.value });
}

export async function saveOptions(chosen: Options): Promise<void> {
  options.value = chosen;
  const open = conversation.value;
  if (!open) return;
  const metadata = withOptions(open.metadata, chosen);
  conversation.value = { ...open, metadata };
  await tell({ metadata });
}

async function tell(change: object): Promise<void> {
  try {
    if (openId.value) await routes.changeConversation(openId.value, change);
  } catch (error) {
    openError.value = wordsOf(error);
  }
}

// The routes that this page uses, all of the newest version, as functions.

import { call, read } from "./client";
import { eventsOf, type Event } from "./events";
import type {
  Conversation, ConversationSummary, Health, Message, Page, Scalar, Template, VisionInfo,
} from "./types";

const ROOT = "api/v5";
const part = encodeURIComponent;
const one = (id: string) => `${ROOT}/conversations/${part(id)}`;
const LARGEST_PAGE = 1000;

export interface Ask {
  message: string;
  conversation_id?: string;
  parent_id?: string;
  system_prompt?: string;
  template?: string;
  variables?: Record<string, Scalar>;
  metadata?: Record<string, string>;
  [option: string]: unknown;
}

export function listConversations(q: string, page: number, size: number): Promise<Page<ConversationSummary>> {
  const query = new URLSearchParams({ page: String(page), page_size: String(size) });
  if (q) query.set("q", q);
  return read(`${ROOT}/conversations?${query}`);
}

/** A conversation with all its branches. */
export async function readConversation(id: string): Promise<Conversation> {
  const page = (number: number) =>
    read<Conversation>(
      `${one(id)}?all_branches=true&message_page=${number}&message_page_size=${LARGEST_PAGE}`,
    );
  const whole = await page(1);
  for (let number = 2; number <= whole.message_pages; number += 1) {
    whole.messages.push(...(await page(number)).messages);
  }
  return whole;
}

export const readMessage = (id: string, message: string): Promise<Message> =>
  read(`${one(id)}/messages/${part(message)}`);

export const changeConversation = (id: string, json: object): Promise<ConversationSummary> =>
  read(one(id), { method: "PATCH", json, keepalive: true });

export const deleteConversation = (id: string): Promise<Response> => call(one(id), { method: "DELETE" });

export const deleteAll = (): Promise<Response> =>
  call(`${ROOT}/conversations?confirm=all`, { method: "DELETE" });

export const editMessage = (id: string, message: string, content: string): Promise<Message> =>
  read(`${one(id)}/messages/${part(message)}`, { method: "PATCH", json: { content } });

export const exportConversation = (id: string, format: "json" | "markdown"): Promise<Response> =>
  call(`${one(id)}/export?format=${format}`);

export const exportAll = (): Promise<Response> => call(`${ROOT}/conversations/export`);

export const importAll = (file: Blob): Promise<{ imported: number; skipped: { reason: string }[] }> =>
  read(`${ROOT}/conversations/import`, {
    method: "POST",
    body: file,
    headers: { "Content-Type": "application/x-ndjson" },
  });

/** A model that is not ready is no failure here: that 503 has the same body. */
export const readHealth = (): Promise<Health> => read("health", { alsoFine: 503, quiet: true });

export const readVision = (): Promise<VisionInfo> => read(`${ROOT}/vision/info`, { quiet: true });

export const readImage = async (id: string): Promise<Blob> => (await call(`${ROOT}/images/${part(id)}`)).blob();

export const listTemplates = async (): Promise<Template[]> =>
  (await read<Page<Template>>(`${ROOT}/prompt/templates?page_size=100`)).items;

export async function countTokens(text: string, signal: AbortSignal): Promise<number> {
  const counted = await read<{ tokens: number }>(`${ROOT}/tokenize`, { method: "POST", json: { text }, signal, quiet: true });
  return counted.tokens;
}

/** Tokens that a template takes before anything is said. */
export async function countTemplate(name: string, variables: Record<string, Scalar>): Promise<number> {
  const path = `${ROOT}/prompt/templates/${part(name)}/render`;
  const { prompt_tokens } = await read<{ prompt_tokens: number }>(path, { method: "POST", json: { variables } });
  return prompt_tokens;
}

/** The answer to a message; `key` makes a second try the same message. */
export async function ask(body: Ask, files: File[], sees: boolean, key: string, signal: AbortSignal): Promise<AsyncGenerator<Event>> {
  const headers = { "Idempotency-Key": key };
  const path = sees ? `${ROOT}/vision/chat/stream` : `${ROOT}/chat/stream`;
  const sent = files.length ? { body: formOf(body, files) } : { json: body };
  const response = await call(path, { method: "POST", headers, signal, ...sent });
  return eventsOf(response.body!);
}

export async function askAgain(id: string, message: string, options: object, signal: AbortSignal): Promise<AsyncGenerator<Event>> {
  const path = `${one(id)}/messages/${part(message)}/regenerate/stream`;
  const response = await call(path, { method: "POST", json: options, signal });
  return eventsOf(response.body!);
}

function formOf(body: Ask, files: File[]): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(body)) {
    if (value !== undefined) form.append(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  for (const file of files) form.append("image", file, file.name);
  return form;
}

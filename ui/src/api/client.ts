// One way to the server: the key, the language, and failures as two kinds of errors.

import { language, t } from "../i18n/texts";
import { askForKey, declined, savedKey } from "./key";
import type { ErrorBody } from "./types";

/** The server answered, and said no. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly body: ErrorBody,
    readonly retryAfter: number | null,
  ) {
    super(body.message);
  }
}

/** Nobody answered. */
export class Unreachable extends Error {}

export interface Call {
  method?: string;
  json?: unknown;
  body?: BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Arrives even if the page is left at once. */
  keepalive?: boolean;
  /** Nobody waits for it: it does not ask again for a key that was not given. */
  quiet?: boolean;
  /** A status that is an answer as well. */
  alsoFine?: number;
}

/** Addresses are relative to the page, so that a proxy may serve it under a path of its own. */
export const address = (path: string): string => new URL(path, document.baseURI).href;

/** An answer that is fine. Throws Refused, Unreachable, or the AbortError of `signal`. */
export async function call(path: string, options: Call = {}): Promise<Response> {
  const key = savedKey();
  const response = await reach(path, options, key);
  if (response.ok || response.status === options.alsoFine) return response;
  const mayAsk = response.status === 401 && !(options.quiet && declined());
  if (mayAsk && (await askForKey(key))) return call(path, options);
  throw await refusal(response);
}

export async function read<T>(path: string, options: Call = {}): Promise<T> {
  return (await (await call(path, options)).json()) as T;
}

async function reach(path: string, options: Call, key: string | null): Promise<Response> {
  const headers: Record<string, string> = { "Accept-Language": language.value, ...options.headers };
  if (key) headers["Authorization"] = `Bearer ${key}`;
  if (options.json !== undefined) headers["Content-Type"] = "application/json";
  const body = options.json === undefined ? options.body : JSON.stringify(options.json);
  try {
    const { method, signal, keepalive } = options;
    return await fetch(address(path), { method, headers, body, signal, keepalive });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Unreachable(t("error.unreachable"));
  }
}

async function refusal(response: Response): Promise<Refused> {
  const seconds = Number(response.headers.get("Retry-After"));
  return new Refused(response.status, await bodyOf(response), seconds > 0 ? seconds : null);
}

/** Something between us and the server may answer in words of its own. */
async function bodyOf(response: Response): Promise<ErrorBody> {
  try {
    const { error } = (await response.json()) as { error?: ErrorBody };
    if (error?.message) return error;
  } catch {
    // No JSON: said below.
  }
  return { code: "unknown", message: t("error.status", { status: response.status }) };
}

/** What to tell a person, with the fields that were wrong. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Refused)) return error instanceof Error ? error.message : String(error);
  const fields = error.body.details?.errors ?? [];
  const told = fields.map(({ field, reason }) => `${field}: ${reason}`).filter((each) => !error.message.includes(each));
  return [error.message, ...told].join("\n");
}

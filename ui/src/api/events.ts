// Server-sent events of an answer, each with its data.

import { createParser } from "eventsource-parser";
import type { Done, ErrorBody, Start } from "./types";

export type Event =
  | { name: "start"; data: Start }
  | { name: "queue"; data: { position: number; estimated_wait_ms: number } }
  | { name: "prefill"; data: { processed: number; total: number } }
  | { name: "token"; data: { text: string } }
  | { name: "done"; data: Done }
  | { name: "error"; data: { error: ErrorBody } };

/** Ends when the connection does, whether or not the answer has ended. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Event> {
  let found: Event[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => found.push({ name: event, data: JSON.parse(data) } as Event),
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    parser.feed(decoder.decode(value, { stream: true }));
    yield* found;
    found = [];
  }
}

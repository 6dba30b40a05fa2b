// An answer on its way: where it belongs, how far it is, and its words so far.

import { signal } from "@preact/signals";
import type { Context } from "../api/types";

export type Phase =
  | { name: "sending" }
  | { name: "queue"; position: number; seconds: number }
  | { name: "prefill"; percent: number }
  | { name: "writing" };

export interface Question {
  content: string;
  files: File[];
}

/** A short text is shown at every word; one that takes long to draw is drawn less often. */
const SHORTEST = 40;
const LONGEST = 1_000;

export class Live {
  readonly text = signal("");
  readonly phase = signal<Phase>({ name: "sending" });
  readonly messageId = signal<string | null>(null);
  readonly controller = new AbortController();
  context: Context | null = null;
  stopped = false;
  private written = "";
  private timer = 0;

  /** `question` is what was said, where it is not in the conversation yet. */
  constructor(
    public conversationId: string | null,
    readonly parentId: string | null,
    readonly question: Question | null,
  ) {}

  write(text: string): void {
    this.written += text;
    if (this.phase.value.name !== "writing") this.phase.value = { name: "writing" };
    if (!this.timer) this.timer = window.setTimeout(() => this.flush(), this.pause());
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    this.text.value = this.written;
  }

  stop(): void {
    this.stopped = true;
    this.controller.abort();
  }

  private pause(): number {
    return Math.min(LONGEST, Math.max(SHORTEST, this.written.length / 200));
  }
}

export const lives = signal<readonly Live[]>([]);

export const begin = (live: Live): void => void (lives.value = [...lives.value, live]);

export const end = (live: Live): void => void (lives.value = lives.value.filter((each) => each !== live));

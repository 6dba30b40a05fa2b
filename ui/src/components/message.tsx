// Messages of both kinds, with what can be done with them.

import { ChevronLeft, ChevronRight, Info, Pencil, RotateCcw } from "lucide-preact";
import { useState } from "preact/hooks";
import type { Message } from "../api/types";
import { formatted, t } from "../i18n/texts";
import { Markdown } from "../markdown/markdown";
import { PlainText } from "../markdown/plain";
import { edit, regenerate } from "../state/answers";
import { versions } from "../state/branches";
import { live, notes, stepBranch, tree, type Note } from "../state/chat";
import { CopyButton } from "./copy-button";
import { EditBox } from "./edit-box";
import { MessagePictures } from "./images";
import { LiveAnswer } from "./live-answer";

export function UserMessage({ message, isLast }: { message: Message; isLast: boolean }) {
  const [editing, setEditing] = useState(false);
  const files = notes.value.get(message.id)?.files;
  const busy = live.value !== null;
  if (editing) {
    return (
      <article class="user editing" aria-label={t("edit.label")}>
        <EditBox text={message.content} onCancel={() => setEditing(false)} onSave={async (words) => (await edit(message, words)) && setEditing(false)} />
      </article>
    );
  }
  return (
    <article class="user" aria-label={t("message.label")}>
      <MessagePictures sources={files?.length ? files : message.images} />
      <div class="bubble"><PlainText text={message.content} /></div>
      <footer>
        <Versions message={message} />
        <CopyButton text={message.content} label={t("answer.copy")} />
        <button type="button" class="icon" disabled={busy} onClick={() => setEditing(true)} title={t("edit.start")} aria-label={t("edit.start")}>
          <Pencil size={16} aria-hidden />
        </button>
      </footer>
      {isLast && !busy && <button type="button" class="quiet" onClick={() => void regenerate(message)}>{t("answer.answer")}</button>}
    </article>
  );
}

export function Answer({ message, isLast }: { message: Message; isLast: boolean }) {
  const now = live.value;
  if (now && now.messageId.value === message.id) return <LiveAnswer live={now} />;
  const note = notes.value.get(message.id) ?? {};
  return (
    <article class="answer" aria-label={t("answer.label")}>
      <Markdown text={message.content} writing={message.status === "pending"} />
      <Outcome message={message} note={note} />
      {message.status !== "pending" && (
        <footer class={isLast ? "last" : undefined}>
          <Versions message={message} />
          <CopyButton text={message.content} label={t("answer.copy")} />
          <button type="button" class="icon" disabled={now !== null} onClick={() => void regenerate(message)} title={t("answer.regenerate")} aria-label={t("answer.regenerate")}>
            <RotateCcw size={16} aria-hidden />
          </button>
          <Facts message={message} note={note} />
        </footer>
      )}
    </article>
  );
}

/** How it ended, where that is worth a word. */
function Outcome({ message, note }: { message: Message; note: Note }) {
  const words: string[] = [...(note.warnings ?? [])];
  if (note.error && message.status !== "complete") words.push(note.error);
  if (message.status === "failed" && !note.error) words.push(t("answer.failed"));
  if (message.status === "interrupted" && !note.error) words.push(t("answer.interrupted"));
  if (message.finish_reason === "length") words.push(t("answer.length"));
  if (message.status === "pending") words.push(t("answer.pending"));
  const kind = message.status === "failed" ? "outcome problem" : "outcome";
  return <>{words.map((each) => <p key={each} class={kind}>{each}</p>)}</>;
}

function Versions({ message }: { message: Message }) {
  const all = versions(tree.value, message);
  if (all.length < 2) return null;
  const at = all.findIndex((each) => each.id === message.id);
  const busy = live.value !== null;
  return (
    <span class="versions">
      <button type="button" class="icon" disabled={busy || at === 0} onClick={() => void stepBranch(message, -1)} aria-label={t("branch.previous")}>
        <ChevronLeft size={16} aria-hidden />
      </button>
      <span>{t("branch.of", { number: at + 1, count: all.length })}</span>
      <button type="button" class="icon" disabled={busy || at === all.length - 1} onClick={() => void stepBranch(message, 1)} aria-label={t("branch.next")}>
        <ChevronRight size={16} aria-hidden />
      </button>
    </span>
  );
}

function Facts({ message: { usage, timings }, note }: { message: Message; note: Note }) {
  const [open, setOpen] = useState(false);
  if (!usage || !timings) return null;
  const facts = [t("answer.tokens", { count: usage.completion_tokens })];
  if (usage.cached_tokens) facts.push(t("answer.cached", { count: usage.cached_tokens }));
  facts.push(t("answer.first", { seconds: formatted(timings.first_token_ms / 1000, 2) }));
  const context = note.context;
  if (context?.dropped_messages) facts.push(t("answer.dropped", { count: context.dropped_messages, tokens: context.dropped_tokens }));
  return (
    <span class="facts-line">
      <button type="button" class="icon" aria-expanded={open} onClick={() => setOpen(!open)} title={t("answer.details")} aria-label={t("answer.details")}>
        <Info size={16} aria-hidden />
      </button>
      <span class="speed">{t("answer.speed", { speed: timings.tokens_per_second })}</span>
      {open && <span>{facts.map((each) => ` · ${each}`)}</span>}
    </span>
  );
}

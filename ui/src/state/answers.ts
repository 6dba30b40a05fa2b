// Asking, and following the answer to its end, whatever that is.

import { Refused, Unreachable, wordsOf } from "../api/client";
import type { Event } from "../api/events";
import * as routes from "../api/routes";
import type { Done, Message, Start } from "../api/types";
import { t } from "../i18n/texts";
import * as chat from "./chat";
import * as composer from "./composer";
import { refreshList } from "./conversations";
import { health, look } from "./health";
import { begin, end, Live } from "./live";
import { withOptions } from "./options";

/** One message on its way: sent again as it is, it is the same message to the server. */
interface Attempt {
  body: routes.Ask;
  files: File[];
  sees: boolean;
  key: string;
}

const AGAIN = new Set([429, 503]);
let failed: Attempt | null = null;

/** Sends what was typed. */
export async function send(): Promise<void> {
  const words = composer.text.value.trim() || (composer.files.value.length ? t("composer.picture_question") : "");
  if (!words || chat.live.value) return;
  const attempt = again(words) ?? newAttempt(words);
  composer.notice.value = null;
  composer.text.value = "";
  composer.files.value = [];
  const live = new Live(chat.openId.value, chat.leaf.value, { content: words, files: attempt.files });
  const asking = () => routes.ask(attempt.body, attempt.files, attempt.sees, attempt.key, live.controller.signal);
  const error = await follow(live, asking);
  failed = error && !live.messageId.value ? attempt : null;
  if (failed) giveBack(live, error, words);
}

/** Another answer to a question, beside those there are. */
export async function regenerate(message: Message): Promise<void> {
  const id = chat.openId.value;
  if (!id || chat.live.value) return;
  composer.notice.value = null;
  const question = message.role === "user" ? message.id : message.parent_id;
  const before = chat.leaf.value;
  chat.leaf.value = question;
  const live = new Live(id, question, null);
  const error = await follow(live, () => routes.askAgain(id, message.id, chat.options.value, live.controller.signal));
  if (!error || live.messageId.value) return;
  if (chat.openId.value === id) chat.leaf.value = before;
  if (!live.stopped) complain(error, () => void regenerate(message));
}

/** Says a message in other words and has that answered. */
export async function edit(message: Message, content: string): Promise<boolean> {
  const id = chat.openId.value;
  if (!id) return false;
  try {
    const edited = await routes.editMessage(id, message.id, content);
    if (chat.openId.value !== id) return true;
    chat.put(edited);
    chat.leaf.value = edited.id;
    void regenerate(edited);
    return true;
  } catch (error) {
    composer.say(wordsOf(error));
    return false;
  }
}

function newAttempt(message: string): Attempt {
  const { system, template, variables } = chat.setup.value;
  const fresh = chat.openId.value === null;
  const body: routes.Ask = { message, ...chat.options.value };
  if (!fresh) Object.assign(body, { conversation_id: chat.openId.value, parent_id: chat.leaf.value ?? undefined });
  if (template) Object.assign(body, { template: template.name, variables });
  else if (system !== undefined) body.system_prompt = system;
  if (fresh) body.metadata = withOptions({}, chat.options.value);
  const files = composer.files.value;
  const shown = chat.path.value.some((each) => each.images.length);
  const sees = files.length > 0 || (shown && health.value?.models.vision.status === "ready");
  return { body, files, sees, key: crypto.randomUUID?.() ?? String(Math.random()) };
}

/** What failed, where the very same is sent again. */
function again(message: string): Attempt | null {
  if (!failed) return null;
  const now = newAttempt(message);
  const same = JSON.stringify(now.body) === JSON.stringify(failed.body);
  return same && now.files.every((file, at) => file === failed?.files[at]) ? failed : null;
}

/** Nothing typed is lost: it goes back to where it was typed. */
function giveBack(live: Live, error: unknown, words: string): void {
  if (chat.openId.value !== live.conversationId) return;
  if (!composer.text.value) composer.type(words);
  if (!composer.files.value.length) composer.files.value = live.question?.files ?? [];
  if (!live.stopped) complain(error, () => void send());
}

function complain(error: unknown, retry: () => void): void {
  const later = error instanceof Refused && AGAIN.has(error.status);
  const wait = later ? error.retryAfter : null;
  const useful = later || error instanceof Unreachable;
  composer.notice.value = {
    words: wordsOf(error),
    retryAt: wait === null ? null : Date.now() + wait * 1000,
    retry: useful ? retry : null,
  };
  void look();
}

/** To the end of the answer. Returns what went wrong, if anything did. */
async function follow(live: Live, asking: () => Promise<AsyncGenerator<Event>>): Promise<unknown> {
  begin(live);
  let done = false;
  let error: unknown = null;
  try {
    for await (const event of await asking()) done = handle(live, event) || done;
    if (!done) error = new Unreachable(t("error.lost"));
  } catch (caught) {
    error = caught;
  }
  live.flush();
  if (error) leave(live, error);
  end(live);
  if (live.messageId.value) void refreshList();
  if (error && live.conversationId && live.messageId.value) void chat.settle(live.conversationId, live.messageId.value);
  return error;
}

/** Whether the answer is whole. Throws what an `error` event brings. */
function handle(live: Live, event: Event): boolean {
  switch (event.name) {
    case "start":
      started(live, event.data);
      return false;
    case "queue":
      live.phase.value = { name: "queue", position: event.data.position, seconds: event.data.estimated_wait_ms / 1000 };
      return false;
    case "prefill":
      live.phase.value = { name: "prefill", percent: Math.floor((100 * event.data.processed) / event.data.total) };
      return false;
    case "token":
      live.write(event.data.text);
      return false;
    case "done":
      finished(live, event.data);
      return true;
    case "error":
      throw new Refused(0, event.data.error, null);
  }
}

function started(live: Live, start: Start): void {
  const isOpen = chat.openId.value === live.conversationId;
  const asked = live.conversationId;
  live.context = start.context;
  live.messageId.value = start.message_id;
  live.conversationId = start.conversation_id;
  if (live.question && !(isOpen && composer.text.value)) composer.forgetDraft(asked);
  if (!isOpen) return;
  if (live.question) {
    chat.put(messageOf(start.parent_id, live.parentId, "user", live.question.content, start.created_at));
    chat.note(start.parent_id, { files: live.question.files });
    chat.setup.value = {};
  }
  chat.put(messageOf(start.message_id, start.parent_id, "assistant", "", start.created_at));
  chat.note(start.message_id, { context: start.context });
  chat.leaf.value = start.message_id;
  if (asked === null) void opened(start.conversation_id);
}

/** A new conversation has its address at once, so that a reload finds it. */
async function opened(id: string): Promise<void> {
  composer.carryDraft(id);
  chat.openId.value = id;
  history.replaceState(null, "", `#${id}`);
  void refreshList();
  const found = await routes.readConversation(id).catch(() => null);
  if (found && chat.openId.value === id) chat.conversation.value = found;
}

function finished(live: Live, done: Done): void {
  live.flush();
  chat.note(done.message_id, { context: done.context, warnings: done.warnings });
  if (chat.openId.value !== done.conversation_id) return;
  const known = chat.tree.value.get(done.message_id);
  const message = known ?? messageOf(done.message_id, done.parent_id, "assistant", "", done.created_at);
  const { finish_reason, usage, timings } = done;
  const question = chat.tree.value.get(done.parent_id);
  if (question && done.images?.length) chat.put({ ...question, images: done.images.map(({ id }) => id) });
  chat.put({ ...message, content: done.response, status: "complete", finish_reason, usage, timings });
}

function leave(live: Live, error: unknown): void {
  const id = live.messageId.value;
  if (!id) return;
  if (!live.stopped) chat.note(id, { error: wordsOf(error) });
  const known = chat.tree.value.get(id);
  if (known && chat.openId.value === live.conversationId) {
    chat.put({ ...known, content: live.text.value, status: live.stopped ? "interrupted" : "failed" });
  }
}

function messageOf(id: string, parent_id: string | null, role: Message["role"], content: string, created_at: string): Message {
  const status = role === "user" ? "complete" : "pending";
  const nothing = { finish_reason: null, usage: null, timings: null };
  return { id, parent_id, role, content, images: [], status, created_at, ...nothing };
}

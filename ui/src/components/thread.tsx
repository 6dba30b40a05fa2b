// The messages of the open branch, and the answer on its way at their end.

import { ArrowDown } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n/texts";
import { PlainText } from "../markdown/plain";
import { live, load, loading, notes, openError, openId, path } from "../state/chat";
import { MessagePictures } from "./images";
import { LiveAnswer } from "./live-answer";
import { Answer, UserMessage } from "./message";
import { Welcome } from "./welcome";

const NEAR = 80;

export function Thread() {
  const scroller = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const stick = useRef(true);
  const scrolled = () => {
    const { scrollHeight, scrollTop, clientHeight } = scroller.current!;
    stick.current = scrollHeight - scrollTop - clientHeight < NEAR;
    setAtEnd(stick.current);
  };
  const toEnd = (behavior: ScrollBehavior) => scroller.current!.scrollTo({ top: scroller.current!.scrollHeight, behavior });
  useStickToEnd(scroller, stick);
  const empty = !path.value.length && !live.value && !loading.value && !openError.value;
  return (
    <div class="thread" ref={scroller} onScroll={scrolled} tabIndex={-1}>
      {empty ? <Welcome /> : <Log />}
      {!atEnd && (
        <button type="button" class="to-end" onClick={() => toEnd("smooth")} aria-label={t("chat.to_end")} title={t("chat.to_end")}>
          <ArrowDown size={18} aria-hidden />
        </button>
      )}
    </div>
  );
}

/** New words stay in sight, unless somebody reads further up. */
function useStickToEnd(scroller: { current: HTMLDivElement | null }, stick: { current: boolean }): void {
  const id = openId.value;
  const [asked, filled] = [live.value !== null, path.value.length > 0];
  useEffect(() => {
    stick.current = true;
    const box = scroller.current!;
    if (!asked && !filled) return undefined;
    const follow = () => void (stick.current && (box.scrollTop = box.scrollHeight));
    follow();
    const watcher = new ResizeObserver(follow);
    for (const child of box.children) watcher.observe(child);
    return () => watcher.disconnect();
  }, [id, asked, filled]);
}

function Log() {
  const messages = path.value;
  const cut = droppedBefore();
  return (
    <div class="log" role="log" aria-label={t("chat.log")} aria-live="polite" aria-relevant="additions">
      {loading.value && <p class="waiting" role="status"><span class="pulse" aria-hidden />…</p>}
      {openError.value && <Trouble />}
      {messages.map((message, at) => (
        <div key={message.id}>
          {at > 0 && at === cut && <p class="cut"><span>{t("chat.dropped_above")}</span></p>}
          {message.role === "user" ? (
            <UserMessage message={message} isLast={at === messages.length - 1} />
          ) : (
            <Answer message={message} isLast={at === messages.length - 1} />
          )}
        </div>
      ))}
      <OnItsWay />
    </div>
  );
}

/** How many messages from the start the newest answer did not see. */
function droppedBefore(): number {
  for (const message of path.value.toReversed()) {
    const context = notes.value.get(message.id)?.context;
    if (context) return context.dropped_messages;
  }
  return 0;
}

function Trouble() {
  const id = openId.value;
  return (
    <div class="trouble" role="alert">
      <p>{openError.value}</p>
      {id && <button type="button" onClick={() => { openError.value = ""; void load(id); }}>{t("error.retry")}</button>}
    </div>
  );
}

/** Until the server has taken it, the question is not among the messages. */
function OnItsWay() {
  const now = live.value;
  if (!now || now.messageId.value) return null;
  return (
    <>
      {now.question && (
        <article class="user" aria-label={t("message.label")}>
          <MessagePictures sources={now.question.files} />
          <div class="bubble"><PlainText text={now.question.content} /></div>
        </article>
      )}
      <LiveAnswer live={now} />
    </>
  );
}

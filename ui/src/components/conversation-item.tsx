// One conversation of the list: opens it; renames, exports and deletes it.

import { useState } from "preact/hooks";
import { wordsOf } from "../api/client";
import * as routes from "../api/routes";
import type { ConversationSummary } from "../api/types";
import { t } from "../i18n/texts";
import { conversation, open, openId } from "../state/chat";
import { list, listError, refreshList, total } from "../state/conversations";
import { drawer } from "../state/view";
import { confirm } from "./confirm";
import { download } from "./download";
import { Menu } from "./menu";

export function ConversationItem({ conversation: item }: { conversation: ConversationSummary }) {
  const [renaming, setRenaming] = useState(false);
  const current = openId.value === item.id;
  if (renaming) return <li><TitleBox item={item} onEnd={() => setRenaming(false)} /></li>;
  return (
    <li class={current ? "current" : undefined}>
      <a href={`#${item.id}`} aria-current={current ? "page" : undefined} title={item.title} onClick={(event) => follow(event, item.id)} onDblClick={() => setRenaming(true)}>
        {item.title}
      </a>
      <Menu label={t("conversation.actions", { title: item.title })} items={actions(item, () => setRenaming(true))} />
    </li>
  );
}

function follow(event: MouseEvent, id: string): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  drawer.value = false;
  if (openId.value !== id) void open(id);
}

const actions = (item: ConversationSummary, rename: () => void) => [
  { label: t("conversation.rename"), act: rename },
  { label: t("conversation.export_markdown"), act: () => void trying(() => download(routes.exportConversation(item.id, "markdown"))) },
  { label: t("conversation.export_json"), act: () => void trying(() => download(routes.exportConversation(item.id, "json"))) },
  {
    label: t("conversation.delete"),
    danger: true,
    act: () => confirm(t("confirm.delete_title"), t("confirm.delete_one", { title: item.title }), () => void remove(item.id)),
  },
];

function TitleBox({ item, onEnd }: { item: ConversationSummary; onEnd: () => void }) {
  const [title, setTitle] = useState(item.title);
  const [done, setDone] = useState(false);
  const end = (keep: boolean) => {
    if (done) return;
    setDone(true);
    onEnd();
    const wanted = title.trim();
    if (keep && wanted && wanted !== item.title) void trying(() => rename(item.id, wanted));
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "Escape") event.stopPropagation();
    if (event.key === "Enter" || event.key === "Escape") end(event.key === "Enter");
  };
  return (
    <input
      class="title-box" value={title} maxLength={200} aria-label={t("conversation.title")} ref={focusFirst}
      onInput={(event) => setTitle(event.currentTarget.value)} onKeyDown={pressed} onBlur={() => end(true)}
    />
  );
}

function focusFirst(box: HTMLInputElement | null): void {
  if (box && document.activeElement !== box) {
    box.focus();
    box.select();
  }
}

async function rename(id: string, title: string): Promise<void> {
  const changed = await routes.changeConversation(id, { title });
  list.value = list.value.map((each) => (each.id === id ? changed : each));
  if (conversation.value?.id === id) conversation.value = { ...conversation.value, title: changed.title };
}

async function remove(id: string): Promise<void> {
  await trying(async () => {
    await routes.deleteConversation(id);
    list.value = list.value.filter((each) => each.id !== id);
    total.value -= 1;
    if (openId.value === id) await open(null);
  });
  await refreshList();
}

async function trying(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    listError.value = wordsOf(error);
  }
}

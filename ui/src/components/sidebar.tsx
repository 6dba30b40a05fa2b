// Conversations at the left: a new one, search, the list by day, and what belongs to the page.

import { useComputed } from "@preact/signals";
import { PanelLeftClose, Search, Settings2, SquarePen } from "lucide-preact";
import { useRef } from "preact/hooks";
import type { ConversationSummary } from "../api/types";
import { t, type Key } from "../i18n/texts";
import { open } from "../state/chat";
import { list, listed, listError, query, refreshList, search, showMore, total } from "../state/conversations";
import { drawer, shown } from "../state/view";
import { ConversationItem } from "./conversation-item";

const SEARCH_MS = 200;

export function Sidebar() {
  return (
    <nav id="sidebar" class={drawer.value ? "open" : undefined} aria-label={t("app.menu")}>
      <div class="sidebar-top">
        <span class="brand"><img src="ui/static/icon.svg" alt="" width="24" height="24" /> {t("app.name")}</span>
        <button type="button" class="icon phone" onClick={() => (drawer.value = false)} aria-label={t("app.close")}>
          <PanelLeftClose size={20} aria-hidden />
        </button>
      </div>
      <button type="button" class="new" onClick={() => void startNew()}>
        <SquarePen size={17} aria-hidden /> {t("conversation.new")}
      </button>
      <SearchBox />
      <div class="list">
        <Groups />
        <ListEnd />
      </div>
      <button type="button" class="preferences" onClick={() => (shown.value = "preferences")}>
        <Settings2 size={17} aria-hidden /> {t("preferences.title")}
      </button>
    </nav>
  );
}

export async function startNew(): Promise<void> {
  drawer.value = false;
  await open(null);
  document.getElementById("message")?.focus();
}

function SearchBox() {
  const timer = useRef(0);
  const typed = (words: string) => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => void search(words.trim()), SEARCH_MS);
  };
  return (
    <search>
      <Search size={16} aria-hidden />
      <input
        id="search" type="search" maxLength={256} placeholder={t("conversation.search_short")} aria-label={t("conversation.search")}
        aria-keyshortcuts="Control+K" onInput={(event) => typed(event.currentTarget.value)}
      />
      <kbd aria-hidden>Ctrl K</kbd>
    </search>
  );
}

function Groups() {
  const groups = useComputed(() => byDay(list.value));
  return (
    <>
      {groups.value.map(([day, items]) => (
        <section key={day} aria-label={t(day)}>
          <h2>{t(day)}</h2>
          <ul>{items.map((each) => <ConversationItem key={each.id} conversation={each} />)}</ul>
        </section>
      ))}
    </>
  );
}

function ListEnd() {
  if (listError.value) {
    return (
      <div class="list-note" role="alert">
        <p>{listError.value}</p>
        <button type="button" class="quiet" onClick={() => void refreshList()}>{t("error.retry")}</button>
      </div>
    );
  }
  if (list.value.length < total.value) {
    return <button type="button" class="quiet more" onClick={() => void showMore()}>{t("conversation.more")}</button>;
  }
  if (!listed.value || list.value.length) return null;
  return <p class="list-note" role="status">{query.value ? t("conversation.none_found", { query: query.value }) : t("conversation.none")}</p>;
}

const DAY = 86_400_000;
const DAYS: [Key, number][] = [["day.today", 0], ["day.yesterday", 1], ["day.week", 7], ["day.month", 30], ["day.earlier", Infinity]];

/** In the list's order, each under the first of DAYS that reaches it. */
function byDay(items: ConversationSummary[]): [Key, ConversationSummary[]][] {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const groups = new Map<Key, ConversationSummary[]>();
  for (const each of items) {
    const days = Math.ceil((midnight - Date.parse(each.updated_at)) / DAY);
    const day = DAYS.find(([, reach]) => days <= reach)![0];
    groups.set(day, [...(groups.get(day) ?? []), each]);
  }
  return [...groups];
}

// Starts the page: what it shows follows from the state, and the address says what is open.

import { render } from "preact";
import { effect, untracked } from "@preact/signals";
import { App } from "./components/app";
import { language } from "./i18n/texts";
import { listenForKeys } from "./keys";
import { open, openId } from "./state/chat";
import { followDrafts } from "./state/composer";
import { refreshList } from "./state/conversations";
import { watchHealth } from "./state/health";
import { watchTyping } from "./state/meter";
import { loadTemplates } from "./state/templates";
import { dressPage } from "./state/view";
import "katex/dist/katex.css";
import "./styles/index.css";

const CONVERSATION = /^#(conv_\w+)$/;

function openAddress(): void {
  const id = CONVERSATION.exec(location.hash)?.[1] ?? null;
  if (id !== openId.value) void open(id);
}

dressPage();
followDrafts();
listenForKeys();
openAddress();
addEventListener("popstate", openAddress);
watchHealth();
watchTyping();
effect(() => {
  void language.value;
  untracked(() => {
    void refreshList();
    void loadTemplates();
  });
});
render(<App />, document.body);

// Keys that work wherever one is on the page.

import { startNew } from "./components/sidebar";
import { live } from "./state/chat";
import { drawer } from "./state/view";

export function listenForKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key.toLowerCase() === "k") return take(event, focusSearch);
    if (control && event.shiftKey && event.key.toLowerCase() === "o") return take(event, () => void startNew());
    if (event.key === "Escape") return escape();
    if (event.key === "/" && !isTyping()) return take(event, () => document.getElementById("message")?.focus());
  });
}

function take(event: Event, act: () => void): void {
  event.preventDefault();
  act();
}

function focusSearch(): void {
  drawer.value = matchMedia("(width < 52rem)").matches;
  const box = document.getElementById("search") as HTMLInputElement;
  requestAnimationFrame(() => box.select());
}

/** A dialog or menu that is open takes the key for itself. */
function escape(): void {
  if (document.querySelector("dialog[open], [popover]:popover-open")) return;
  if (drawer.value) drawer.value = false;
  else live.value?.stop();
}

const isTyping = (): boolean => document.activeElement?.matches("input, textarea, select, dialog *") ?? false;

// A button with a menu, on top of everything; arrow keys walk through it.

import { MoreHorizontal } from "lucide-preact";
import { useId, useRef, useState } from "preact/hooks";

export interface Item {
  label: string;
  act: () => void;
  danger?: boolean;
}

export function Menu({ label, items }: { label: string; items: Item[] }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const toggled = (event: { newState: string }) => {
    setOpen(event.newState === "open");
    if (event.newState !== "open") return;
    place(menu.current!, button.current!);
    menu.current!.querySelector("button")?.focus();
  };
  const choose = (item: Item) => {
    menu.current!.hidePopover();
    button.current!.focus();
    item.act();
  };
  return (
    <>
      <button ref={button} type="button" class="icon" popovertarget={id} aria-haspopup="menu" aria-expanded={open} aria-label={label} title={label}>
        <MoreHorizontal size={16} aria-hidden />
      </button>
      <div ref={menu} id={id} popover="auto" role="menu" aria-label={label} class="menu" onToggle={toggled} onKeyDown={walk}>
        {items.map((item) => (
          <button key={item.label} type="button" role="menuitem" tabIndex={-1} class={item.danger ? "danger" : undefined} onClick={() => choose(item)}>
            {item.label}
          </button>
        ))}
      </div>
    </>
  );
}

/** Below the button, or above it where there is no room. */
function place(menu: HTMLElement, button: HTMLElement): void {
  const from = button.getBoundingClientRect();
  const below = from.bottom + menu.offsetHeight + 8 < innerHeight;
  menu.style.top = `${below ? from.bottom + 4 : Math.max(8, from.top - menu.offsetHeight - 4)}px`;
  menu.style.left = `${Math.max(8, Math.min(from.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 8))}px`;
}

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };

function walk(event: KeyboardEvent): void {
  const step = STEPS[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [...(event.currentTarget as HTMLElement).querySelectorAll("button")];
  const at = all.indexOf(document.activeElement as HTMLButtonElement);
  all[(at + step + all.length) % all.length]?.focus();
}

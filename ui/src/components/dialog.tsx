// A dialog of the browser's own: it holds the focus, and Escape closes it.

import { X } from "lucide-preact";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../i18n/texts";

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  side?: boolean;
}

export function Dialog({ title, onClose, children, side = false }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current!.showModal();
    return () => before instanceof HTMLElement && before.focus();
  }, []);
  const outside = (event: MouseEvent) => event.target === dialog.current && onClose();
  return (
    <dialog ref={dialog} class={side ? "side" : undefined} aria-labelledby={id} onClose={onClose} onMouseDown={outside}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="icon" onClick={onClose} aria-label={t("app.close")} title={t("app.close")}>
          <X size={18} aria-hidden />
        </button>
      </header>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

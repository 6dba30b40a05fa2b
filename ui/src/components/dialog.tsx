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
  const gone = useRef(false);
  const id = useId();
  useEffect(() => {
    const box = dialog.current!;
    box.showModal();
    // Closing it gives the focus back to where it was; taking it away would not.
    return () => {
      gone.current = true;
      if (box.open) box.close();
    };
  }, []);
  const closed = () => gone.current || onClose();
  const outside = (event: MouseEvent) => event.target === dialog.current && onClose();
  return (
    <dialog ref={dialog} class={side ? "side" : undefined} aria-labelledby={id} onClose={closed} onMouseDown={outside}>
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

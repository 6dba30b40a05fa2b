// A message in other words: the old ones stay on their branch.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n/texts";
import { grow } from "./grow";

interface Props {
  text: string;
  onCancel: () => void;
  onSave: (words: string) => void;
}

export function EditBox({ text, onCancel, onSave }: Props) {
  const [words, setWords] = useState(text);
  const box = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    grow(box.current!);
    box.current!.focus();
  }, []);
  const save = () => words.trim() && onSave(words.trim());
  const pressed = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      onCancel();
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      save();
    }
  };
  const typed = (area: HTMLTextAreaElement) => {
    grow(area);
    setWords(area.value);
  };
  return (
    <>
      <textarea ref={box} value={words} aria-label={t("edit.label")} onInput={(event) => typed(event.currentTarget)} onKeyDown={pressed} />
      <div class="row end">
        <button type="button" onClick={onCancel}>{t("edit.cancel")}</button>
        <button type="button" class="primary" onClick={save} disabled={!words.trim()}>{t("edit.send")}</button>
      </div>
    </>
  );
}

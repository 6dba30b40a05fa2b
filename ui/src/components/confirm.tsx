// Asks before something cannot be undone.

import { signal } from "@preact/signals";
import { t } from "../i18n/texts";
import { Dialog } from "./dialog";

const asked = signal<{ title: string; words: string; act: () => void } | null>(null);

export const confirm = (title: string, words: string, act: () => void): void => void (asked.value = { title, words, act });

export function Confirm() {
  const question = asked.value;
  if (!question) return null;
  const close = () => void (asked.value = null);
  const act = () => {
    close();
    question.act();
  };
  return (
    <Dialog title={question.title} onClose={close}>
      <p>{question.words}</p>
      <div class="row end">
        <button type="button" onClick={close}>{t("confirm.cancel")}</button>
        <button type="button" class="danger" onClick={act}>{t("confirm.delete")}</button>
      </div>
    </Dialog>
  );
}

// Asks for the API key that the server wants.

import { useState } from "preact/hooks";
import { answerWith, wanted } from "../api/key";
import { t } from "../i18n/texts";
import { Dialog } from "./dialog";

export function KeyDialog() {
  const [key, setKey] = useState("");
  const [onDevice, setOnDevice] = useState(false);
  const asked = wanted.value;
  if (!asked) return null;
  const submit = (event: Event) => {
    event.preventDefault();
    answerWith(key.trim(), onDevice);
    setKey("");
  };
  return (
    <Dialog title={t("key.title")} onClose={() => answerWith("", false)}>
      <form onSubmit={submit} class="stack">
        <p>{t("key.needed")}</p>
        {asked.refused && <p class="problem" role="alert">{t("key.refused")}</p>}
        <label class="field">
          {t("key.label")}
          <input type="password" autoComplete="off" required value={key} onInput={(event) => setKey(event.currentTarget.value)} />
        </label>
        <label class="check">
          <input type="checkbox" checked={onDevice} onChange={(event) => setOnDevice(event.currentTarget.checked)} /> {t("key.device")}
        </label>
        <div class="row end"><button class="primary">{t("key.save")}</button></div>
      </form>
    </Dialog>
  );
}

// The page itself: light or dark, its language, the key, and all conversations at once.

import { useState } from "preact/hooks";
import { wordsOf } from "../api/client";
import { forgetKey, savedKey } from "../api/key";
import * as routes from "../api/routes";
import { chooseLanguage, chosenLanguage, t } from "../i18n/texts";
import { open } from "../state/chat";
import { refreshList } from "../state/conversations";
import { chooseTheme, close, theme } from "../state/view";
import { Choice } from "./choice";
import { confirm } from "./confirm";
import { Dialog } from "./dialog";
import { download } from "./download";

export function Preferences() {
  return (
    <Dialog title={t("preferences.title")} onClose={close}>
      <Choice label={t("preferences.theme")} chosen={theme.value} choose={chooseTheme}
        choices={[["auto", t("preferences.auto")], ["light", t("preferences.light")], ["dark", t("preferences.dark")]]} />
      <Choice label={t("preferences.language")} chosen={chosenLanguage.value} choose={chooseLanguage}
        choices={[["auto", t("preferences.auto")], ["en", "English"], ["ko", "한국어"]]} />
      <AllConversations />
      <p class="row">
        {savedKey() && <button type="button" onClick={() => { forgetKey(); location.reload(); }}>{t("key.forget")}</button>}
        <a href="docs">{t("preferences.api")}</a>
      </p>
    </Dialog>
  );
}

function AllConversations() {
  const [said, setSaid] = useState("");
  const trying = (act: () => Promise<string | void>) =>
    void act().then((words) => setSaid(words ?? ""), (error) => setSaid(wordsOf(error)));
  const remove = () => confirm(t("confirm.delete_all_title"), t("confirm.delete_all"), () => trying(deleteAll));
  return (
    <fieldset class="data">
      <legend>{t("preferences.data")}</legend>
      <div class="row">
        <button type="button" onClick={() => trying(() => download(routes.exportAll()))}>{t("data.export_all")}</button>
        <label class="button">
          {t("data.import")}
          <input class="hidden" type="file" accept=".jsonl,.json" onChange={(event) => trying(() => bringIn(event.currentTarget))} />
        </label>
        <button type="button" class="danger" onClick={remove}>{t("data.delete_all")}</button>
      </div>
      <p role="status" class="soft">{said}</p>
    </fieldset>
  );
}

async function bringIn(input: HTMLInputElement): Promise<string> {
  const file = input.files?.[0];
  if (!file) return "";
  const { imported, skipped } = await routes.importAll(file);
  input.value = "";
  await refreshList();
  const words = [t("data.imported", { count: imported })];
  if (skipped.length) words.push(t("data.skipped", { count: skipped.length, reason: skipped[0]!.reason }));
  return words.join(" ");
}

async function deleteAll(): Promise<void> {
  await routes.deleteAll();
  await Promise.all([open(null), refreshList()]);
}

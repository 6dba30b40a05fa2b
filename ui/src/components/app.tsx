// The page: conversations at the left, the open one beside them, dialogs above.

import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n/texts";
import { attach } from "../state/composer";
import { drawer, shown } from "../state/view";
import { Composer } from "./composer";
import { Confirm } from "./confirm";
import { Header } from "./header";
import { Help } from "./help";
import { KeyDialog } from "./key-dialog";
import { ModelDialog } from "./model-dialog";
import { Preferences } from "./preferences";
import { SettingsDialog } from "./settings-dialog";
import { Sidebar } from "./sidebar";
import { TemplateDialog } from "./template-dialog";
import { Thread } from "./thread";

export function App() {
  const dropping = useDrops();
  return (
    <>
      <a class="skip" href="#message" onClick={skip}>{t("app.skip")}</a>
      <Sidebar />
      {drawer.value && <button type="button" class="backdrop" onClick={() => (drawer.value = false)} aria-label={t("app.close")} />}
      <main inert={drawer.value}>
        <Header />
        <Thread />
        <Composer />
      </main>
      {dropping && <div class="drop" aria-hidden><p>{t("drop.here")}</p></div>}
      <Dialogs />
    </>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("message")?.focus();
}

function Dialogs() {
  return (
    <>
      {shown.value === "preferences" && <Preferences />}
      {shown.value === "settings" && <SettingsDialog />}
      {shown.value === "model" && <ModelDialog />}
      {shown.value === "templates" && <TemplateDialog />}
      {shown.value === "help" && <Help />}
      <Confirm />
      <KeyDialog />
    </>
  );
}

/** Files dropped anywhere on the page are attached; whether some are held above it. */
function useDrops(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const hover = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    const drop = (event: DragEvent) => {
      setOver(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      attach(event.dataTransfer!.files);
    };
    const controller = new AbortController();
    const options = { signal: controller.signal };
    addEventListener("dragover", hover, options);
    addEventListener("dragleave", leave, options);
    addEventListener("drop", drop, options);
    return () => controller.abort();
  }, []);
  return over;
}

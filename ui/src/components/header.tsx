// Above the conversation: its title, the model and how it is, the settings.

import { Keyboard, Menu as MenuIcon, SlidersHorizontal, SquarePen } from "lucide-preact";
import { t } from "../i18n/texts";
import { conversation } from "../state/chat";
import { health, reachable } from "../state/health";
import { drawer, shown } from "../state/view";
import { startNew } from "./sidebar";

export function Header() {
  const title = conversation.value?.title;
  return (
    <header class="top">
      <button type="button" class="icon phone" onClick={() => (drawer.value = true)} aria-label={t("app.menu")} aria-controls="sidebar" aria-expanded={drawer.value}>
        <MenuIcon size={20} aria-hidden />
      </button>
      <h1 title={title}>{title ?? t("conversation.new")}</h1>
      <ModelButton />
      <button type="button" class="icon desktop" onClick={() => (shown.value = "help")} aria-label={t("help.title")} title={t("help.title")}>
        <Keyboard size={19} aria-hidden />
      </button>
      <button type="button" class="icon" onClick={() => (shown.value = "settings")} aria-label={t("settings.title")} title={t("settings.title")}>
        <SlidersHorizontal size={19} aria-hidden />
      </button>
      <button type="button" class="icon phone" onClick={() => void startNew()} aria-label={t("conversation.new")}>
        <SquarePen size={19} aria-hidden />
      </button>
    </header>
  );
}

function ModelButton() {
  const model = health.value?.models.text;
  const status = reachable.value ? (model?.status ?? "loading") : "failed";
  const words = reachable.value ? t(`model.status_${status}`) : t("model.offline");
  return (
    <button type="button" class="model" onClick={() => (shown.value = "model")} aria-haspopup="dialog">
      <span class={`dot ${status}`} aria-hidden />
      <span class="model-name">{model?.id ?? t("model.title")}</span>
      <span class={status === "ready" ? "hidden" : "model-status"} role="status">{words}</span>
    </button>
  );
}

// While no answer can come: what the engine is doing, or what is wrong and the fix.

import { t } from "../i18n/texts";
import { health, reachable } from "../state/health";

export function EngineBar() {
  const model = health.value?.models.text;
  if (!reachable.value) return <p class="engine-bar problem" role="status">{t("error.unreachable")}</p>;
  if (!model || model.status === "ready") return null;
  const loading = model.status === "loading";
  return (
    <p class={loading ? "engine-bar" : "engine-bar problem"} role="status">
      {loading && <span class="pulse" aria-hidden />}
      {model.reason ?? `${t("model.text")}: ${t(`model.status_${model.status}`)}`}
    </p>
  );
}

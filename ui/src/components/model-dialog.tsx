// The models and the engine: what is loaded, how busy it is, and what is wrong with the fix.

import type { ComponentChildren } from "preact";
import type { Health, ModelHealth } from "../api/types";
import { formatted, language, t } from "../i18n/texts";
import { health, reachable } from "../state/health";
import { close } from "../state/view";
import { Dialog } from "./dialog";

export function ModelDialog() {
  const now = health.value;
  return (
    <Dialog title={t("model.title")} onClose={close}>
      {!reachable.value && <p class="problem" role="alert">{t("error.unreachable")}</p>}
      {now && <Engine now={now} />}
    </Dialog>
  );
}

function Engine({ now }: { now: Health }) {
  return (
    <>
      {now.warnings.map((each) => <p key={each} class="warning">{each}</p>)}
      <ModelFacts title={t("model.text")} model={now.models.text} />
      <ModelFacts title={t("model.vision")} model={now.models.vision} />
      <p class="soft">
        {t("model.queue")}: {now.queue.waiting} / {now.queue.limit} · {t("model.version", { version: now.version })}
      </p>
    </>
  );
}

function ModelFacts({ title, model }: { title: string; model: ModelHealth }) {
  return (
    <section class="facts">
      <h3>{title} <span class={`badge ${model.status}`}>{t(`model.status_${model.status}`)}</span></h3>
      {model.id && <p class="model-id">{model.id}</p>}
      {model.reason && <p class={model.status === "failed" ? "problem" : "soft"}>{model.reason}</p>}
      {model.status === "ready" && <Facts model={model} />}
    </section>
  );
}

function Facts({ model }: { model: ModelHealth }) {
  const layers = model.gpu_layers ? ` · ${t("model.gpu_layers", { count: model.gpu_layers })}` : "";
  const format = [model.format?.toUpperCase(), model.architecture, model.quantization].filter(Boolean).join(" · ");
  return (
    <dl>
      <Fact name={t("model.format")}>{format}</Fact>
      {model.parameters ? <Fact name={t("model.parameters")}>{short(model.parameters)}</Fact> : null}
      <Fact name={t("model.device")}>{model.device?.toUpperCase()}{layers}</Fact>
      <Fact name={t("model.context")}>{t("answer.tokens", { count: model.context_length ?? 0 })}</Fact>
      <Fact name={t("model.slots")}>{model.slots.busy} / {model.slots.total}</Fact>
      {model.languages.length > 0 && <Fact name={t("model.languages")}>{model.languages.map(nameOf).join(", ")}</Fact>}
    </dl>
  );
}

const Fact = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <div><dt>{name}</dt><dd>{children}</dd></div>
);

const short = (count: number): string =>
  count >= 1e9 ? `${formatted(count / 1e9)}B` : `${formatted(count / 1e6, 0)}M`;

function nameOf(code: string): string {
  try {
    return new Intl.DisplayNames(language.value, { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

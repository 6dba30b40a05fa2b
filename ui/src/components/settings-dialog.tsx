// How the model answers in this conversation: system prompt and generation options.

import { useState } from "preact/hooks";
import { formatted, t } from "../i18n/texts";
import { conversation, options, saveOptions, setup } from "../state/chat";
import { health } from "../state/health";
import { FIELDS, type Options } from "../state/options";
import { titleOf } from "../state/templates";
import { close } from "../state/view";
import { Dialog } from "./dialog";

export function SettingsDialog() {
  const before = systemNow();
  const [system, setSystem] = useState(before);
  const [chosen, setChosen] = useState<Options>(options.value);
  const submit = (event: Event) => {
    event.preventDefault();
    if (system !== before) setup.value = { system };
    void saveOptions(chosen);
    close();
  };
  return (
    <Dialog title={t("settings.title")} onClose={close} side>
      <form onSubmit={submit} class="stack">
        <SystemField value={system} change={setSystem} />
        {FIELDS.map((field) => (
          <NumberField key={field.name} field={field} value={chosen[field.name]} change={(value) => setChosen(changed(chosen, field.name, value))} />
        ))}
        <div class="row end">
          <button type="button" onClick={() => setChosen({})}>{t("settings.reset")}</button>
          <button class="primary">{t("settings.save")}</button>
        </div>
      </form>
    </Dialog>
  );
}

/** What the next message will find; a template's own is not shown as the person's. */
function systemNow(): string {
  if (setup.value.system !== undefined) return setup.value.system;
  if (setup.value.template) return "";
  return conversation.value?.template ? "" : (conversation.value?.system ?? "");
}

function SystemField({ value, change }: { value: string; change: (words: string) => void }) {
  const kept = conversation.value?.template;
  const template = setup.value.template?.title ?? (kept && titleOf(kept));
  return (
    <label class="field">
      {t("settings.system")}
      <textarea rows={4} value={value} onInput={(event) => change(event.currentTarget.value)} />
      <small>{template && setup.value.system === undefined ? t("settings.system_template", { name: template }) : t("settings.system_hint")}</small>
    </label>
  );
}

function changed(chosen: Options, name: keyof Options, value: number | undefined): Options {
  const { [name]: _, ...others } = chosen;
  return value === undefined ? others : { ...others, [name]: value };
}

interface NumberProps {
  field: (typeof FIELDS)[number];
  value: number | undefined;
  change: (value: number | undefined) => void;
}

function NumberField({ field: { name, min, max, step }, value, change }: NumberProps) {
  const most = name === "max_tokens" ? (health.value?.models.text.context_length ?? max) : max;
  const range = t("settings.range", { min: formatted(min, 2), max: formatted(most, 2) });
  return (
    <label class="field number">
      <span>{t(`settings.${name}`)}</span>
      <input
        type="number" min={min} max={most} step={step === 1 ? 1 : "any"} value={value ?? ""} placeholder={t("settings.default")}
        onInput={(event) => change(Number.isNaN(event.currentTarget.valueAsNumber) ? undefined : event.currentTarget.valueAsNumber)}
      />
      <small>{t(`settings.${name}_hint`)} {range}</small>
    </label>
  );
}

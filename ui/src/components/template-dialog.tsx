// Templates to choose from, then a form for what the chosen one needs to know.

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { Template, Variable } from "../api/types";
import { t } from "../i18n/texts";
import { setup } from "../state/chat";
import { firstValues, loadTemplates, templates, templatesError, typedValues } from "../state/templates";
import { close, shown } from "../state/view";
import { Dialog } from "./dialog";

/** The template whose form is open; null: the list is. */
const chosen = signal<Template | null>(null);

export function pick(template: Template): void {
  if (!template.variables.length) return use(template, {});
  chosen.value = template;
  shown.value = "templates";
}

export function TemplateDialog() {
  const template = chosen.value;
  useEffect(() => {
    void loadTemplates();
    return () => void (chosen.value = null);
  }, []);
  return (
    <Dialog title={template?.title ?? t("template.choose")} onClose={close}>
      {template ? <VariablesForm key={template.name} template={template} /> : <TemplateList take={pick} />}
    </Dialog>
  );
}

/** Its words begin with the next message. */
function use(template: Template, values: Record<string, string>): void {
  setup.value = { template, variables: typedValues(template.variables, values) };
  close();
  setTimeout(() => document.getElementById("message")?.focus());
}

function TemplateList({ take }: { take: (template: Template) => void }) {
  if (templatesError.value) return <p class="problem" role="alert">{templatesError.value}</p>;
  return (
    <ul class="templates">
      {templates.value.map((each) => (
        <li key={each.name}>
          <button type="button" onClick={() => take(each)}>
            <strong>{each.title}</strong>
            {!each.builtin && <span class="badge">{t("template.yours")}</span>}
            <span class="soft">{each.description}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function VariablesForm({ template }: { template: Template }) {
  const [values, setValues] = useState(() => firstValues(template));
  const submit = (event: Event) => {
    event.preventDefault();
    use(template, values);
  };
  return (
    <form onSubmit={submit} class="stack">
      {template.description && <p class="soft">{template.description}</p>}
      {template.variables.map((each) => (
        <VariableField key={each.name} variable={each} value={values[each.name] ?? ""} change={(value) => setValues({ ...values, [each.name]: value })} />
      ))}
      <div class="row end"><button class="primary">{t("template.use")}</button></div>
    </form>
  );
}

/** What a value is for, in words; its name for those who know the template. */
function Told({ variable: { name, description, required } }: { variable: Variable }) {
  return (
    <span class="told">
      {description || name}
      <small>
        {description && <code>{name}</code>}
        {required && <span class="badge">{t("template.required")}</span>}
      </small>
    </span>
  );
}

interface FieldProps {
  variable: Variable;
  value: string;
  change: (value: string) => void;
}

function VariableField({ variable, value, change }: FieldProps) {
  if (variable.type === "boolean") {
    return (
      <label class="check">
        <input type="checkbox" checked={value === "true"} onChange={(event) => change(String(event.currentTarget.checked))} />
        <Told variable={variable} />
      </label>
    );
  }
  return (
    <label class="field">
      <Told variable={variable} />
      <Control variable={variable} value={value} change={change} />
    </label>
  );
}

function Control({ variable: { type, values, required, default: given }, value, change }: FieldProps) {
  const typed = (event: { currentTarget: { value: string } }) => change(event.currentTarget.value);
  if (type === "enum") {
    return (
      <select value={value} required={required} onChange={typed}>
        {(!required || given === null) && <option value="">—</option>}
        {values.map((each) => <option key={each} value={each}>{each}</option>)}
      </select>
    );
  }
  if (type === "number") return <input type="number" step="any" value={value} required={required} onInput={typed} />;
  return <textarea rows={value.length > 60 || given === null ? 3 : 1} value={value} required={required} onInput={typed} />;
}

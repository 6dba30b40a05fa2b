// The first sight: a greeting, a few things to ask, the templates.

import type { Template } from "../api/types";
import { t, type Key } from "../i18n/texts";
import { setup } from "../state/chat";
import { type } from "../state/composer";
import { templates } from "../state/templates";
import { pick } from "./template-dialog";

const EXAMPLES: Key[] = ["welcome.example_explain", "welcome.example_mail", "welcome.example_code", "welcome.example_table"];

export function Welcome() {
  return (
    <section class="welcome" aria-label={t("welcome.title")}>
      <h2>{t("welcome.title")}</h2>
      <p class="soft">{t("welcome.private")}</p>
      <h3>{t("welcome.examples")}</h3>
      <ul class="examples">
        {EXAMPLES.map((key) => (
          <li key={key}><button type="button" onClick={() => begin(t(key))}>{t(key)}</button></li>
        ))}
      </ul>
      {templates.value.length > 0 && <h3>{t("welcome.templates")}</h3>}
      <ul class="chips">
        {templates.value.map((each) => (
          <li key={each.name}>
            <button type="button" aria-pressed={isChosen(each)} title={each.description} onClick={() => pick(each)}>{each.title}</button>
          </li>
        ))}
      </ul>
    </section>
  );
}

const isChosen = (template: Template): boolean => setup.value.template?.name === template.name;

function begin(words: string): void {
  type(words);
  document.getElementById("message")?.focus();
}

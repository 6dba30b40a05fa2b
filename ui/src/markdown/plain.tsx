// Text as it is. Of one that is very long the beginning is shown until somebody wants all of it.

import { useState } from "preact/hooks";
import { t } from "../i18n/texts";

const SHOWN = 20_000;

export function PlainText({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  if (whole || text.length <= SHOWN * 1.5) return <p class="plain">{text}</p>;
  return (
    <>
      <p class="plain">{text.slice(0, SHOWN)}…</p>
      <button type="button" class="quiet" onClick={() => setWhole(true)}>
        {t("message.show_all", { count: text.length })}
      </button>
    </>
  );
}

// The keys that this page knows.

import { t, type Key } from "../i18n/texts";
import { close } from "../state/view";
import { Dialog } from "./dialog";

const KEYS: [string[], Key][] = [
  [["Enter"], "help.send"],
  [["Shift", "Enter"], "help.newline"],
  [["Esc"], "help.close"],
  [["Ctrl", "K"], "help.search"],
  [["Ctrl", "Shift", "O"], "help.new"],
  [["/"], "help.message"],
  [["Ctrl", "V"], "help.attach"],
];

export function Help() {
  return (
    <Dialog title={t("help.title")} onClose={close}>
      <dl class="keys">
        {KEYS.map(([keys, words]) => (
          <div key={words}>
            <dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{t(words)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

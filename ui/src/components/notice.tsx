// What went wrong with sending, above the words that it was about; tries again when it may.

import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n/texts";
import { notice, type Notice } from "../state/composer";

export function NoticeBar() {
  const now = notice.value;
  return now && <Shown key={now.words + now.retryAt} now={now} />;
}

function Shown({ now }: { now: Notice }) {
  const left = useCountdown(now);
  const close = () => void (notice.value = null);
  const again = () => {
    close();
    now.retry?.();
  };
  return (
    <div class="notice" role="alert">
      <p>{now.words}</p>
      <div class="row">
        {left > 0 && <span class="soft" aria-hidden>{t("error.retry_in", { seconds: left })}</span>}
        {now.retry && <button type="button" onClick={again}>{t("error.retry")}</button>}
        <button type="button" onClick={close}>{left > 0 ? t("error.stop_trying") : t("error.dismiss")}</button>
      </div>
    </div>
  );
}

/** Whole seconds until it is tried again by itself; 0 where it is not. */
function useCountdown({ retryAt, retry }: Notice): number {
  const remaining = () => (retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - Date.now()) / 1000)));
  const [left, setLeft] = useState(remaining);
  useEffect(() => {
    if (retryAt === null) return undefined;
    const timer = setInterval(() => {
      setLeft(remaining());
      if (remaining() > 0) return;
      clearInterval(timer);
      notice.value = null;
      retry?.();
    }, 250);
    return () => clearInterval(timer);
  }, [retryAt]);
  return left;
}

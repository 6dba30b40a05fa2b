// Where one writes: words, pictures, a template, and the button that sends or stops.

import { ArrowUp, ImagePlus, LayoutTemplate, Square, X } from "lucide-preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../i18n/texts";
import { send } from "../state/answers";
import { conversation, live, setup } from "../state/chat";
import { attach, files, text, type } from "../state/composer";
import { vision } from "../state/health";
import { titleOf } from "../state/templates";
import { shown } from "../state/view";
import { ContextMeter } from "./context-meter";
import { grow } from "./grow";
import { Attachments } from "./images";
import { EngineBar } from "./engine-bar";
import { NoticeBar } from "./notice";

export function Composer() {
  const submit = (event: Event) => {
    event.preventDefault();
    void send();
  };
  return (
    <form class="composer" onSubmit={submit}>
      <EngineBar />
      <NoticeBar />
      <div class="box">
        <Attachments />
        <TemplateChip />
        <MessageBox />
        <div class="tools">
          <AttachButton />
          <button type="button" class="icon" onClick={() => (shown.value = "templates")} aria-label={t("composer.template")} title={t("composer.template")}>
            <LayoutTemplate size={19} aria-hidden />
          </button>
          <ContextMeter />
          <SendButton />
        </div>
      </div>
      <p class="hint" id="message-hint">{t("composer.hint")}</p>
    </form>
  );
}

function MessageBox() {
  const box = useRef<HTMLTextAreaElement>(null);
  const words = text.value;
  useLayoutEffect(() => grow(box.current!), [words]);
  const pressed = (event: KeyboardEvent) => {
    // An IME's Enter ends a Hangul syllable, not the message.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  };
  return (
    <textarea
      ref={box} id="message" rows={1} value={words} placeholder={t("composer.placeholder")} aria-label={t("composer.label")} aria-describedby="message-hint"
      autoFocus onInput={(event) => type(event.currentTarget.value)} onKeyDown={pressed} onPaste={paste}
    />
  );
}

function paste(event: ClipboardEvent): void {
  const pasted = [...(event.clipboardData?.files ?? [])];
  if (!pasted.length) return;
  event.preventDefault();
  attach(pasted);
}

function AttachButton() {
  const words = vision.value?.status === "ready" ? t("composer.attach") : t("image.no_model");
  const chosen = (input: HTMLInputElement) => {
    attach(input.files ?? []);
    input.value = "";
  };
  return (
    <label class="icon button" title={words}>
      <ImagePlus size={19} aria-hidden />
      <input class="hidden" type="file" accept="image/png,image/jpeg,image/webp,image/gif" multiple aria-label={t("composer.attach")} onChange={(event) => chosen(event.currentTarget)} />
    </label>
  );
}

function TemplateChip() {
  const { template } = setup.value;
  const kept = conversation.value?.template;
  if (!template) return kept ? <p class="kept-template">{t("template.in_use", { title: titleOf(kept) })}</p> : null;
  const words = t("template.remove", { title: template.title });
  return (
    <p class="template-chip">
      <LayoutTemplate size={14} aria-hidden /> {template.title}
      <button type="button" class="icon" onClick={() => (setup.value = {})} aria-label={words} title={words}>
        <X size={14} aria-hidden />
      </button>
    </p>
  );
}

function SendButton() {
  const now = live.value;
  if (now) {
    return (
      <button type="button" class="send" onClick={() => now.stop()} aria-label={t("composer.stop")} title={t("composer.stop")}>
        <Square size={15} fill="currentColor" aria-hidden />
      </button>
    );
  }
  const empty = !text.value.trim() && !files.value.length;
  return (
    <button class="send" disabled={empty} aria-label={t("composer.send")} title={t("composer.send")}>
      <ArrowUp size={19} aria-hidden />
    </button>
  );
}

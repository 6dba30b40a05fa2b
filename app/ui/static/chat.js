// The chat page: one conversation in memory, streamed from the public v2 API.

const WORDS = {
  en: { placeholder: "Ask something…", send: "Send", stop: "Stop", clear: "New chat",
        docs: "API", loading: "The model is loading…", speed: "tokens/s", tokens: "tokens",
        dropped: "older messages did not fit", lost: "The connection was lost.",
        queue: "Waiting, place", prefill: "Reading", stopped: "stopped",
        key: "This server asks for an API key:" },
  ko: { placeholder: "무엇이든 물어보세요…", send: "보내기", stop: "중지", clear: "새 대화",
        docs: "API", loading: "모델을 불러오는 중…", speed: "토큰/초", tokens: "토큰",
        dropped: "개의 이전 메시지가 들어가지 않았습니다", lost: "연결이 끊어졌습니다.",
        queue: "대기 순번", prefill: "읽는 중", stopped: "중지됨",
        key: "이 서버는 API 키가 필요합니다:" },
};
const language = navigator.language.startsWith("ko") ? "ko" : "en";
const words = WORDS[language];
const [log, form, text, send, stop, model, clear] =
  ["log", "form", "text", "send", "stop", "model", "clear"].map((id) => document.getElementById(id));
let history = [];
let running = null;

document.documentElement.lang = language;
document.getElementById("docs").textContent = words.docs;
document.getElementById("text-label").textContent = words.placeholder;
text.placeholder = words.placeholder;
send.textContent = words.send;
stop.textContent = words.stop;
clear.textContent = words.clear;

function add(kind, content = "") {
  const element = document.createElement(kind === "note" ? "p" : "article");
  element.className = kind;
  element.textContent = content;
  log.append(element);
  log.scrollTop = log.scrollHeight;
  return element;
}

// Requests with the key that the person gave; it stays in this tab. Asks once for each refusal.
async function call(path, options = {}) {
  const key = sessionStorage.getItem("key");
  const headers = { "Accept-Language": language, ...options.headers };
  if (key) headers.Authorization = `Bearer ${key}`;
  const response = await fetch(path, { ...options, headers });
  if (response.status !== 401) return response;
  const given = prompt(words.key);
  if (!given) return response;
  sessionStorage.setItem("key", given.trim());
  return call(path, options);
}

async function showModel() {
  try {
    const response = await call("/health");
    const health = await response.json();
    if (health.error) {
      model.textContent = health.error.message;
      return;
    }
    const about = health.models.text;
    const ready = about.status === "ready";
    model.textContent = ready
      ? `${about.id} · ${about.quantization} · ${about.context_length} ${words.tokens}`
      : about.reason || words.loading;
    model.title = health.warnings.join("\n");
    if (!ready) setTimeout(showModel, 1000);
  } catch {
    model.textContent = words.lost;
    setTimeout(showModel, 2000);
  }
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    const blocks = buffer.split("\n\n");
    buffer = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n");
      const name = lines.find((line) => line.startsWith("event: "));
      const data = lines.find((line) => line.startsWith("data: "));
      if (name && data) yield [name.slice(7), JSON.parse(data.slice(6))];
    }
  }
}

function summary(done) {
  const parts = [`${done.usage.completion_tokens} ${words.tokens}`,
                 `${done.timings.tokens_per_second} ${words.speed}`,
                 `${done.usage.total_tokens} / ${done.context.window}`];
  if (done.context.dropped_messages) parts.push(`${done.context.dropped_messages} ${words.dropped}`);
  return parts.join(" · ");
}

async function ask(message) {
  add("user", message);
  const answer = add("assistant");
  const status = add("note");
  running = new AbortController();
  const state = { answer, status, text: "", ended: false };
  try {
    const response = await call("/api/v2/chat/stream", {
      method: "POST",
      signal: running.signal,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ message, history }),
    });
    if (!response.ok) fail(state, (await response.json()).error.message);
    else for await (const [name, data] of events(response)) handle(state, name, data);
    if (!state.ended) fail(state, words.lost);
  } catch (error) {
    if (error.name === "AbortError") status.textContent = words.stopped;
    else fail(state, words.lost);
  }
  if (state.text) {
    history.push({ role: "user", content: message }, { role: "assistant", content: state.text });
  }
}

function handle(state, name, data) {
  if (name === "queue") state.status.textContent = `${words.queue} ${data.position}`;
  if (name === "prefill") state.status.textContent = `${words.prefill} ${data.processed}/${data.total}`;
  if (name === "token") {
    state.text += data.text;
    state.answer.append(data.text);
    log.scrollTop = log.scrollHeight;
  }
  if (name === "done") {
    state.ended = true;
    state.status.textContent = summary(data);
    for (const warning of data.warnings) add("note", warning).classList.add("warn");
  }
  if (name === "error") fail(state, data.error.message);
}

function fail(state, message) {
  state.ended = true;
  state.status.remove();
  add("error", message);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const message = text.value.trim();
  if (!message || running) return;
  text.value = "";
  text.style.height = "";
  send.hidden = true;
  stop.hidden = false;
  await ask(message);
  running = null;
  send.hidden = false;
  stop.hidden = true;
  text.focus();
});
text.addEventListener("keydown", (event) => {
  // An IME's Enter ends a Hangul syllable, not the message.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
text.addEventListener("input", () => {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
});
stop.addEventListener("click", () => running?.abort());
clear.addEventListener("click", () => {
  running?.abort();
  history = [];
  log.replaceChildren();
  text.focus();
});
showModel();

// OpenAI's own client for Node: chats, streams, tools, schemas, images, errors, leaving.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Seoul"}}\n</tool_call>';
const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { type: "string" } } },
  },
};
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8DAwMDAxMDAwMDAAAANHQEDasKb6QAAAABJRU5ErkJggg==";

const clientOf = (server, options = {}) =>
  new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0, ...options });
const said = (content) => [{ role: "user", content }];

export async function check_chat(server) {
  const told = await clientOf(server).chat.completions.create({
    model: server.model,
    messages: said("hi"),
  });
  assert.equal(told.choices[0].message.content, "You said: hi");
}

export async function check_models(server) {
  const listed = [];
  for await (const model of clientOf(server).models.list()) listed.push(model.id);
  assert.deepEqual(listed, [server.model, server.vision]);
}

export async function check_stream(server) {
  const stream = await clientOf(server).chat.completions.create({
    model: server.model,
    messages: said("one two"),
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, "You said: one two");
  assert.equal(usage.completion_tokens, 4);
}

export async function check_tools(server) {
  const client = clientOf(server);
  const messages = said(`#answer=${CALL}`);
  const asked = { model: server.model, tools: [WEATHER] };
  const first = await client.chat.completions.create({ ...asked, messages });
  const message = first.choices[0].message;
  assert.equal(first.choices[0].finish_reason, "tool_calls");
  assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), { city: "Seoul" });
  const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "Rain" };
  const second = await client.chat.completions.create({
    ...asked,
    messages: [...messages, message, result],
  });
  assert.equal(second.choices[0].message.content, "You said: Rain");
}

export async function check_tool_runner(server) {
  const asked = [];
  const runner = clientOf(server).chat.completions.runTools({
    model: server.model,
    messages: said(`#answer=${CALL}`),
    tools: [
      {
        type: "function",
        function: {
          ...WEATHER.function,
          parse: JSON.parse,
          function: ({ city }) => (asked.push(city), `Rain in ${city}`),
        },
      },
    ],
  });
  assert.equal(await runner.finalContent(), "You said: Rain in Seoul");
  assert.deepEqual(asked, ["Seoul"]);
}

export async function check_parse(server) {
  const Person = z.object({ name: z.string(), age: z.number().int().min(0).max(150) });
  const told = await clientOf(server).chat.completions.parse({
    model: server.model,
    messages: said('#answer={"name": "Kim", "age": 30}'),
    response_format: zodResponseFormat(Person, "person"),
  });
  assert.deepEqual(told.choices[0].message.parsed, { name: "Kim", age: 30 });
}

export async function check_images(server) {
  const told = await clientOf(server).chat.completions.create({
    model: server.vision,
    messages: said([
      { type: "text", text: "What is it?" },
      { type: "image_url", image_url: { url: PIXEL } },
    ]),
  });
  assert.match(told.choices[0].message.content, /I see 1 image: 2x2/);
}

export async function check_errors(server) {
  const create = (fields) =>
    clientOf(server).chat.completions.create({
      model: server.model,
      messages: said("hi"),
      ...fields,
    });
  await assert.rejects(create({ model: "gpt-5" }), OpenAI.NotFoundError);
  await assert.rejects(create({ temperature: 9 }), OpenAI.UnprocessableEntityError);
  await assert.rejects(create({ verbosity: "high" }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.deepEqual([error.code, error.param], ["unsupported_by_engine", "verbosity"]);
    return true;
  });
}

export async function check_error_in_a_stream(server) {
  const stream = await clientOf(server).chat.completions.create({
    model: server.model,
    messages: said("#refuse"),
    stream: true,
  });
  await assert.rejects(async () => {
    for await (const chunk of stream) void chunk;
  }, OpenAI.APIError);
}

export async function check_leaving_frees_the_slot(server) {
  const stream = await clientOf(server).chat.completions.create({
    model: server.model,
    messages: said("#words=100000 #pace=20"),
    max_tokens: 2000,
    stream: true,
  });
  for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
  for (let busy = 1; busy; ) {
    const health = await (await fetch(`${server.url}/health`)).json();
    busy = health.models.text.slots.busy;
  }
}

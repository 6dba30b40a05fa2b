// OpenAI's own client for Node: responses and conversations.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Seoul"}}\n</tool_call>';
const WEATHER = {
  type: "function",
  name: "get_weather",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
  strict: true,
};

const clientOf = (server) =>
  new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });

export async function check_responses(server) {
  const client = clientOf(server);
  const made = await client.responses.create({ model: server.model, input: "hi" });
  assert.equal(made.output_text, "You said: hi");
  assert.equal((await client.responses.retrieve(made.id)).output_text, made.output_text);
  const more = await client.responses.create({
    model: server.model,
    input: "#show=1",
    previous_response_id: made.id,
  });
  assert.equal(more.output_text, "[user: hi][assistant: You said: hi][user: #show=1]");
  const items = [];
  for await (const item of client.responses.inputItems.list(more.id, { limit: 1 }))
    items.push(item.content[0].text);
  assert.deepEqual(items, ["#show=1", "You said: hi", "hi"]);
  await client.responses.delete(more.id);
  await assert.rejects(client.responses.retrieve(more.id), OpenAI.NotFoundError);
}

export async function check_streamed_responses(server) {
  const client = clientOf(server);
  const stream = client.responses.stream({ model: server.model, input: "one two" });
  let text = "";
  stream.on("response.output_text.delta", (event) => (text += event.delta));
  assert.equal((await stream.finalResponse()).output_text, "You said: one two");
  assert.equal(text, "You said: one two");
}

export async function check_parsed_responses(server) {
  const format = zodTextFormat(z.object({ name: z.string(), age: z.number() }), "person");
  const told = await clientOf(server).responses.parse({
    model: server.model,
    input: '#answer={"name": "Kim", "age": 30}',
    text: { format },
  });
  assert.deepEqual(told.output_parsed, { name: "Kim", age: 30 });
}

export async function check_tools_of_responses(server) {
  const client = clientOf(server);
  const asked = { model: server.model, tools: [WEATHER] };
  const first = await client.responses.create({ ...asked, input: `#answer=${CALL}` });
  const [call] = first.output;
  assert.deepEqual(JSON.parse(call.arguments), { city: "Seoul" });
  const result = { type: "function_call_output", call_id: call.call_id, output: "Rain" };
  const input = [result];
  const kept = await client.responses.create({ ...asked, input, previous_response_id: first.id });
  assert.equal(kept.output_text, "You said: Rain");
  const given = [{ role: "user", content: "?" }, ...first.output, result];
  const again = await client.responses.create({ ...asked, input: given, store: false });
  assert.equal(again.output_text, "You said: Rain");
}

export async function check_conversations(server) {
  const client = clientOf(server);
  const items = [{ type: "message", role: "user", content: "hi" }];
  const made = await client.conversations.create({ items, metadata: { a: "b" } });
  assert.deepEqual((await client.conversations.retrieve(made.id)).metadata, { a: "b" });
  const changed = await client.conversations.update(made.id, { metadata: { c: "d" } });
  assert.deepEqual(changed.metadata, { c: "d" });
  await client.conversations.items.create(made.id, {
    items: [{ role: "assistant", content: "Hello." }],
  });
  const told = await client.responses.create({
    model: server.model,
    conversation: made.id,
    input: "#show=1",
  });
  assert.equal(told.output_text, "[user: hi][assistant: Hello.][user: #show=1]");
  const ids = [];
  for await (const item of client.conversations.items.list(made.id, { limit: 3 }))
    ids.push(item.id);
  assert.equal(ids.length, 4);
  const place = { conversation_id: made.id };
  assert.equal((await client.conversations.items.retrieve(ids[0], place)).id, ids[0]);
  assert.equal((await client.conversations.items.delete(ids[0], place)).id, made.id);
  assert.equal((await client.conversations.delete(made.id)).deleted, true);
  await assert.rejects(client.conversations.retrieve(made.id), OpenAI.NotFoundError);
}

export async function check_the_background(server) {
  const client = clientOf(server);
  const begun = await client.responses.create({
    model: server.model,
    input: "#words=1000 #pace=20",
    background: true,
  });
  assert.equal(begun.status, "in_progress");
  assert.equal((await client.responses.cancel(begun.id)).status, "cancelled");
}

export async function check_errors_of_responses(server) {
  const client = clientOf(server);
  const cases = [
    [{ model: "gpt-5" }, OpenAI.NotFoundError, "not_found", "model"],
    [{ temperature: 9 }, OpenAI.UnprocessableEntityError, "invalid_request", "temperature"],
    [{ tools: [{ type: "web_search" }] }, OpenAI.BadRequestError, "unsupported_by_engine", "tools"],
  ];
  for (const [fields, kind, code, param] of cases) {
    const asked = { model: server.model, input: "hi", ...fields };
    await assert.rejects(client.responses.create(asked), (error) => {
      assert.ok(error instanceof kind, String(error));
      assert.deepEqual([error.code, error.param], [code, param]);
      return true;
    });
  }
}

// Vercel's AI SDK with its provider for compatible servers: texts, streams, objects, tools.
import assert from "node:assert/strict";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Seoul"}}\n</tool_call>';

const modelOf = (server) =>
  createOpenAICompatible({
    name: "sllm",
    baseURL: `${server.url}/v1`,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })(server.model);

export async function check_text(server) {
  const told = await generateText({ model: modelOf(server), system: "Be kind.", prompt: "hi" });
  assert.equal(told.text, "You said: hi");
  assert.equal(told.usage.outputTokens, 3);
}

export async function check_stream(server) {
  const { textStream } = streamText({ model: modelOf(server), prompt: "one two" });
  let text = "";
  for await (const piece of textStream) text += piece;
  assert.equal(text, "You said: one two");
}

export async function check_thoughts(server) {
  const told = await generateText({
    model: modelOf(server),
    prompt: "#answer=<think>Hm.</think>Yes.",
  });
  assert.deepEqual([told.text, told.reasoningText], ["Yes.", "Hm."]);
}

export async function check_object(server) {
  const told = await generateObject({
    model: modelOf(server),
    schema: z.object({ name: z.string(), age: z.number() }),
    prompt: '#answer={"name": "Kim", "age": 30}',
  });
  assert.deepEqual(told.object, { name: "Kim", age: 30 });
}

const tools = {
  get_weather: tool({
    description: "The weather in a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `Rain in ${city}`,
  }),
};

export async function check_tools(server) {
  const told = await generateText({
    model: modelOf(server),
    tools,
    stopWhen: stepCountIs(3),
    prompt: `#answer=${CALL}`,
  });
  assert.equal(told.steps.length, 2);
  assert.match(told.text, /^You said: .*Rain in Seoul/);
}

export async function check_tools_in_a_stream(server) {
  const told = streamText({
    model: modelOf(server),
    tools,
    stopWhen: stepCountIs(3),
    prompt: `#answer=${CALL}`,
  });
  assert.match(await told.text, /^You said: .*Rain in Seoul/);
}

// The generation options of a conversation: what there is to set, and how the server keeps it.

export const FIELDS = [
  { name: "temperature", min: 0, max: 2, step: 0.1 },
  { name: "max_tokens", min: 1, max: 2 ** 31 - 1, step: 1 },
  { name: "top_p", min: 0.01, max: 1, step: 0.01 },
  { name: "top_k", min: 0, max: 1000, step: 1 },
  { name: "min_p", min: 0, max: 1, step: 0.01 },
  { name: "repeat_penalty", min: 0.5, max: 2, step: 0.05 },
  { name: "seed", min: 0, max: 2 ** 32 - 1, step: 1 },
] as const;

export type Options = Partial<Record<(typeof FIELDS)[number]["name"], number>>;

/** The label of a conversation that holds its options. */
const LABEL = "chat_page.options";

export function optionsIn(metadata: Record<string, string>): Options {
  try {
    return usable(JSON.parse(metadata[LABEL] ?? "{}"));
  } catch {
    return {};
  }
}

export function withOptions(metadata: Record<string, string>, options: Options): Record<string, string> {
  const { [LABEL]: _, ...others } = metadata;
  return Object.keys(options).length ? { ...others, [LABEL]: JSON.stringify(options) } : others;
}

/** Labels are anybody's to write: only known names with numbers that may be sent. */
function usable(given: unknown): Options {
  const options: Options = {};
  if (typeof given !== "object" || given === null) return options;
  for (const { name, min, max } of FIELDS) {
    const value = (given as Record<string, unknown>)[name];
    if (typeof value === "number" && value >= min && value <= max) options[name] = value;
  }
  return options;
}

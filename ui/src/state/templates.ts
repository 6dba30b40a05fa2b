// Prompt templates, in the language of the page.

import { signal } from "@preact/signals";
import { wordsOf } from "../api/client";
import { listTemplates } from "../api/routes";
import type { Scalar, Template, Variable } from "../api/types";

export const templates = signal<Template[]>([]);
export const templatesError = signal("");

export async function loadTemplates(): Promise<void> {
  try {
    templates.value = await listTemplates();
    templatesError.value = "";
  } catch (error) {
    templatesError.value = wordsOf(error);
  }
}

/** What people call it; its name where it is gone or not known yet. */
export const titleOf = (name: string): string => templates.value.find((each) => each.name === name)?.title ?? name;

/** What the form begins with: a text for each value, "" where there is none. */
export const firstValues = (template: Template): Record<string, string> =>
  Object.fromEntries(template.variables.map(({ name, default: given }) => [name, given === null ? "" : String(given)]));

/** What the request says: typed, without those that were left empty. */
export function typedValues(variables: Variable[], values: Record<string, string>): Record<string, Scalar> {
  const typed: Record<string, Scalar> = {};
  for (const { name, type } of variables) {
    const text = values[name] ?? "";
    if (text === "") continue;
    typed[name] = type === "number" ? Number(text) : type === "boolean" ? text === "true" : text;
  }
  return typed;
}

// The page's sentences in English and Korean; the server's own come in the language asked for.

import { computed, signal } from "@preact/signals";
import { saved, save } from "../state/storage";
import en from "./en.json";
import ko from "./ko.json";

export type Language = "en" | "ko";
export type Key = keyof typeof en;
const TEXTS: Record<Language, Record<Key, string>> = { en, ko };

/** What the person chose; "auto" is the browser's language. */
export const chosenLanguage = signal<Language | "auto">(saved("language", "auto"));

export const language = computed<Language>(() =>
  chosenLanguage.value === "auto" ? ofBrowser(navigator.languages) : chosenLanguage.value,
);

export function ofBrowser(languages: readonly string[]): Language {
  const first = languages.find((each) => /^(ko|en)\b/i.test(each));
  return first?.toLowerCase().startsWith("ko") ? "ko" : "en";
}

export function chooseLanguage(choice: Language | "auto"): void {
  chosenLanguage.value = choice;
  save("language", choice);
}

/** `{name}` stands for a value; numbers are written as the language does. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return TEXTS[language.value][key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? formatted(value) : value;
  });
}

export const formatted = (value: number, digits = 1): string =>
  new Intl.NumberFormat(language.value, { maximumFractionDigits: digits }).format(value);

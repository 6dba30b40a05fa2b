// What of the page is shown: dialogs, the drawer of a phone, light and dark.

import { effect, signal } from "@preact/signals";
import { language } from "../i18n/texts";
import { save, saved } from "./storage";

export type Shown = "preferences" | "settings" | "model" | "templates" | "help" | null;
export type Theme = "auto" | "light" | "dark";

export const shown = signal<Shown>(null);
export const drawer = signal(false);
export const theme = signal<Theme>(saved("theme", "auto"));

export const close = (): void => void (shown.value = null);

export function chooseTheme(choice: Theme): void {
  theme.value = choice;
  save("theme", choice);
}

/** The page's own element says what the styles go by. */
export function dressPage(): void {
  effect(() => {
    document.documentElement.lang = language.value;
  });
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
  });
}

// From Markdown to tokens: marked's, and two of our own for formulas. No HTML is made anywhere.

import { Marked, type Token, type TokenizerExtension, type Tokens } from "marked";

export interface MathToken extends Tokens.Generic {
  type: "math";
  text: string;
  display: boolean;
}

/** A line this long is no prose: patterns would be slow on it, and a person does not read it. */
export const LONGEST_LINE = 8_000;
export const LONGEST_TEXT = 200_000;

const BLOCK = /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n|$)/;
// Money is no formula: a dollar that opens has no blank behind it, one that closes none before it
// and no digit after it.
const INLINE = /^(?:\$\$([^$]+?)\$\$|\\\(([\s\S]+?)\\\)|\\\[([\s\S]+?)\\\]|\$(?!\s)((?:\\.|[^\\$\n])+?)(?<!\s)\$(?!\d))/;

const block: TokenizerExtension = {
  name: "math",
  level: "block",
  start: (source) => source.search(/^ {0,3}(?:\$\$|\\\[)/m),
  tokenizer(source) {
    const found = BLOCK.exec(source);
    if (!found) return undefined;
    return { type: "math", raw: found[0], text: (found[1] ?? found[2] ?? "").trim(), display: true };
  },
};

const inline: TokenizerExtension = {
  name: "math",
  level: "inline",
  start: (source) => source.search(/\$|\\[([]/),
  tokenizer(source) {
    const found = INLINE.exec(source);
    if (!found) return undefined;
    const text = found[1] ?? found[2] ?? found[3] ?? found[4] ?? "";
    return { type: "math", raw: found[0], text, display: found[1] !== undefined || found[3] !== undefined };
  },
};

// CommonMark takes `**소수(prime)**는` for no emphasis, since a letter follows what ends with a
// bracket: right where blanks part words, wrong where particles follow them.
const BOLD = /^\*\*(?![\s*])((?:[^*\n]|\*(?!\*))+?)(?<!\s)\*\*(?=[\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])/u;

const bold: TokenizerExtension = {
  name: "strong",
  level: "inline",
  start: (source) => source.search(/\*\*/),
  tokenizer(source) {
    const found = BOLD.exec(source);
    if (!found) return undefined;
    return { type: "strong", raw: found[0], text: found[1]!, tokens: this.lexer.inlineTokens(found[1]!) };
  },
};

const marked = new Marked({ gfm: true, breaks: true });
marked.use({ extensions: [{ ...block, name: "mathBlock" }, inline, { ...bold, name: "strongBesideLetters" }] });

/** Null where the text is to be shown as it is. */
export function tokensOf(text: string): Token[] | null {
  if (text.length > LONGEST_TEXT || hasLongLine(text)) return null;
  try {
    return marked.lexer(text);
  } catch {
    return null; // nested deeper than the stack
  }
}

function hasLongLine(text: string): boolean {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf("\n", start);
    if ((end < 0 ? text.length : end) - start > LONGEST_LINE) return true;
    if (end < 0) return false;
    start = end + 1;
  }
  return false;
}

const NAMED: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", hellip: "…", mdash: "—", ndash: "–", copy: "©", rarr: "→", larr: "←", times: "×", deg: "°" };

/** What a reader of HTML would see for `&lt;`; the result is only ever text. */
export function decoded(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hex, name: string) => {
    if (name) return NAMED[name] ?? whole;
    const point = decimal ? parseInt(decimal, 10) : parseInt(hex, 16);
    return point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff) ? String.fromCodePoint(point) : whole;
  });
}

/** An address that a person may follow: on the web, or a mail; never a script, never ours. */
export function safeAddress(href: string): string | null {
  if (!/^(?:https?:\/\/|mailto:)/i.test(href)) return null;
  try {
    return new URL(href).href;
  } catch {
    return null;
  }
}

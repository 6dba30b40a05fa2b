// Tokens as elements. Every element here is written in this file: what a model says is only ever
// their text, so nothing that it writes can be a tag, an attribute or a script.

import { Component, Fragment, type ComponentChildren } from "preact";
import type { Token, Tokens } from "marked";
import { t } from "../i18n/texts";
import { Code } from "./code";
import { Formula } from "./formula";
import { PlainText } from "./plain";
import { decoded, safeAddress, tokensOf, type MathToken } from "./tokens";

const DEEPEST = 24;

/** `writing`: more is to come, so the last block is not coloured yet. */
export function Markdown({ text, writing = false }: { text: string; writing?: boolean }) {
  const tokens = tokensOf(text);
  if (!tokens) return <PlainText text={text} />;
  const last = tokens.length - 1;
  return (
    <div class="markdown">
      {tokens.map((token, at) => (
        <Block key={at} token={token} writing={writing && at === last} />
      ))}
    </div>
  );
}

/** A block is drawn anew only when its source changes. */
class Block extends Component<{ token: Token; writing: boolean }> {
  override shouldComponentUpdate(next: { token: Token; writing: boolean }): boolean {
    return next.token.raw !== this.props.token.raw || next.token.type !== this.props.token.type || next.writing !== this.props.writing;
  }

  override render() {
    return block(this.props.token, 0, this.props.writing);
  }
}

const blocks = (tokens: Token[] | undefined, depth: number): ComponentChildren =>
  tokens?.map((token, at) => <Fragment key={at}>{block(token, depth)}</Fragment>);

function block(token: Token, depth: number, writing = false): ComponentChildren {
  if (depth > DEEPEST) return token.raw;
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "heading":
      return heading(token as Tokens.Heading);
    case "paragraph":
      return <p>{inlines(token.tokens, depth)}</p>;
    case "code":
      return <Code text={token.text} language={token.lang ?? ""} writing={writing} />;
    case "blockquote":
      return <blockquote>{blocks(token.tokens, depth + 1)}</blockquote>;
    case "list":
      return list(token as Tokens.List, depth);
    case "table":
      return table(token as Tokens.Table, depth);
    case "hr":
      return <hr />;
    case "math":
      return <Formula {...(token as MathToken)} />;
    case "html":
      return <p>{token.raw.trimEnd()}</p>;
    default:
      return inline(token, depth);
  }
}

/** One level below those of the page itself. */
function heading({ depth, tokens }: Tokens.Heading) {
  const Tag = `h${Math.min(6, depth + 2)}` as "h3";
  return <Tag class={`level-${depth}`}>{inlines(tokens, 0)}</Tag>;
}

function list({ ordered, start, items }: Tokens.List, depth: number) {
  const shown = items.map((item, at) => (
    <li key={at} class={item.task ? "task" : undefined}>
      {blocks(item.tokens, depth + 1)}
    </li>
  ));
  return ordered ? <ol start={Number(start) || 1}>{shown}</ol> : <ul>{shown}</ul>;
}

function table({ header, rows, align }: Tokens.Table, depth: number) {
  const cell = (at: number) => (align[at] ? `align-${align[at]}` : undefined);
  return (
    <div class="table" tabIndex={0} role="group">
      <table>
        <thead>
          <tr>{header.map((each, at) => <th key={at} scope="col" class={cell(at)}>{inlines(each.tokens, depth)}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row, number) => (
            <tr key={number}>{row.map((each, at) => <td key={at} class={cell(at)}>{inlines(each.tokens, depth)}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const inlines = (tokens: Token[] | undefined, depth: number): ComponentChildren =>
  tokens?.map((token, at) => <Fragment key={at}>{inline(token, depth + 1)}</Fragment>);

function inline(token: Token, depth: number): ComponentChildren {
  if (depth > DEEPEST) return token.raw;
  switch (token.type) {
    case "strong":
      return <strong>{inlines(token.tokens, depth)}</strong>;
    case "em":
      return <em>{inlines(token.tokens, depth)}</em>;
    case "del":
      return <del>{inlines(token.tokens, depth)}</del>;
    case "codespan":
      return <code>{token.text}</code>;
    case "br":
      return <br />;
    case "link":
      return link(token as Tokens.Link, depth);
    case "image":
      return picture(token as Tokens.Image);
    case "math":
      return <Formula {...(token as MathToken)} />;
    case "checkbox":
      return <input type="checkbox" checked={token.checked} disabled />;
    case "escape":
      return token.text;
    case "html":
      return /^<br\s*\/?>$/i.test(token.raw) ? <br /> : token.raw;
    default:
      return "tokens" in token && token.tokens ? inlines(token.tokens, depth) : decoded("text" in token ? String(token.text) : token.raw);
  }
}

function link({ href, tokens }: Tokens.Link, depth: number) {
  const address = safeAddress(href);
  const text = inlines(tokens, depth);
  if (!address) return text;
  return <a href={address} target="_blank" rel="noopener noreferrer nofollow">{text}</a>;
}

/** Never loaded: that would tell its server what was said. A person may follow the link. */
function picture({ href, text }: Tokens.Image) {
  const address = safeAddress(href);
  const words = t("image.blocked", { name: text || href });
  if (!address) return <span class="blocked-image">{words}</span>;
  return <a class="blocked-image" href={address} target="_blank" rel="noopener noreferrer nofollow">{words}</a>;
}

import type { Token, Tokens } from 'marked';
import type { ComponentChildren, JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { CodeBlock } from './code.tsx';
import { readMarkdown } from './read-markdown.ts';

/**
 * Text of the model: its Markdown becomes nodes, never HTML. What is HTML in it is shown as it was written, a picture
 * is a link, and a link leads nowhere but to the web. A text with more levels than anybody writes is shown plain.
 */
export function Markdown({ text }: { text: string }): JSX.Element {
  const tokens = useMemo(() => readMarkdown(text), [text]);
  return (
    <div class="prose">
      {tokens ? (
        blocks(tokens, 'auto')
      ) : (
        <p class="plain" dir="auto">
          {text}
        </p>
      )}
    </div>
  );
}

/** Each block of a text reads in its own direction; what is within one follows it. */
type Dir = 'auto' | undefined;

function blocks(tokens: readonly Token[], dir?: Dir): ComponentChildren {
  return tokens.map((token, i) => <Block key={i} token={token} dir={dir} />);
}

function Block({ token, dir }: { token: Token; dir: Dir }): JSX.Element | null {
  // The type of each token is named by its field; marked leaves it open for extensions.
  const known = token as Tokens.Generic as MarkedBlock;
  switch (known.type) {
    case 'space':
    case 'def':
      return null;
    case 'hr':
      return <hr />;
    case 'heading':
      return <h3 dir={dir}>{inlines(known.tokens)}</h3>;
    case 'code':
      return <CodeBlock text={known.text} language={known.lang ?? ''} />;
    case 'blockquote':
      return <blockquote dir={dir}>{blocks(known.tokens)}</blockquote>;
    case 'list':
      return <List list={known} dir={dir} />;
    case 'table':
      return <Table table={known} dir={dir} />;
    case 'paragraph':
      return <p dir={dir}>{inlines(known.tokens)}</p>;
    case 'text':
      return <>{known.tokens ? inlines(known.tokens) : decode(known.text)}</>;
    default:
      return <p dir={dir}>{token.raw}</p>;
  }
}

type MarkedBlock =
  | Tokens.Space
  | Tokens.Def
  | Tokens.Hr
  | Tokens.Heading
  | Tokens.Code
  | Tokens.Blockquote
  | Tokens.List
  | Tokens.Table
  | Tokens.Paragraph
  | Tokens.Text;

function List({ list: { ordered, start, items }, dir }: { list: Tokens.List; dir: Dir }): JSX.Element {
  const rows = items.map((item, i) => (
    <li key={i}>
      {item.task && (item.checked === true ? '☑ ' : '☐ ')}
      {blocks(item.tokens.filter(({ type }) => type !== 'checkbox'))}
    </li>
  ));
  return ordered ? (
    <ol dir={dir} start={start === '' ? 1 : start}>
      {rows}
    </ol>
  ) : (
    <ul dir={dir}>{rows}</ul>
  );
}

function Table({ table: { header, rows }, dir }: { table: Tokens.Table; dir: Dir }): JSX.Element {
  return (
    <div class="table" dir={dir} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {header.map((cell, i) => (
              <th key={i} class={cellClass(cell)}>
                {inlines(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {row.map((cell, j) => (
                <td key={j} class={cellClass(cell)}>
                  {inlines(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** How a cell is aligned, and whether it has a word that may be broken. */
function cellClass({ align, text }: Tokens.TableCell): string {
  return `${align ?? ''} ${/\S{25}/.test(text) ? 'long' : ''}`.trim();
}

function inlines(tokens: readonly Token[]): ComponentChildren {
  return tokens.map((token, i) => <Inline key={i} token={token} />);
}

type MarkedInline =
  | Tokens.Text
  | Tokens.Escape
  | Tokens.Codespan
  | Tokens.Strong
  | Tokens.Em
  | Tokens.Del
  | Tokens.Br
  | Tokens.Link
  | Tokens.Image;

function Inline({ token }: { token: Token }): JSX.Element {
  const known = token as Tokens.Generic as MarkedInline;
  switch (known.type) {
    case 'text':
      return <>{'tokens' in known && known.tokens ? inlines(known.tokens) : decode(known.text)}</>;
    case 'escape':
      return <>{known.text}</>;
    case 'codespan':
      return <code>{known.text}</code>;
    case 'strong':
      return <strong>{inlines(known.tokens)}</strong>;
    case 'em':
      return <em>{inlines(known.tokens)}</em>;
    case 'del':
      return <del>{inlines(known.tokens)}</del>;
    case 'br':
      return <br />;
    case 'link':
      return <Link href={known.href}>{inlines(known.tokens)}</Link>;
    case 'image':
      return <Link href={known.href}>{known.text || known.href}</Link>;
    default:
      return <>{token.raw}</>;
  }
}

function Link({ href, children }: { href: string; children: ComponentChildren }): JSX.Element {
  if (!/^(https?:|mailto:)/i.test(href)) return <>{children}</>;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  );
}

const ENTITIES: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  '#39': "'",
  nbsp: '\u00a0',
};

/** The few entities that people write in Markdown. */
function decode(text: string): string {
  return text.replaceAll(/&(#39|[a-z]{2,4});/g, (whole, name: string) => ENTITIES[name] ?? whole);
}

import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import dockerfile from 'highlight.js/lib/languages/dockerfile';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import makefile from 'highlight.js/lib/languages/makefile';
import markdown from 'highlight.js/lib/languages/markdown';
import php from 'highlight.js/lib/languages/php';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import swift from 'highlight.js/lib/languages/swift';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import { createLowlight } from 'lowlight';
import type { Kind, Piece } from './pieces.ts';

const lowlight = createLowlight({
  bash,
  c,
  cpp,
  csharp,
  css,
  dockerfile,
  go,
  ini,
  java,
  javascript,
  json,
  kotlin,
  makefile,
  markdown,
  php,
  python,
  ruby,
  rust,
  sql,
  swift,
  typescript,
  xml,
  yaml,
});

/** The classes of highlight.js, each as the theme's colour for it. */
const KINDS: Record<string, Kind> = {
  'hljs-keyword': 'keyword',
  'hljs-literal': 'keyword',
  'hljs-selector-tag': 'keyword',
  'hljs-section': 'keyword',
  'hljs-meta': 'keyword',
  'hljs-string': 'string',
  'hljs-regexp': 'string',
  'hljs-symbol': 'string',
  'hljs-link': 'string',
  'hljs-code': 'string',
  'hljs-number': 'number',
  'hljs-comment': 'comment',
  'hljs-quote': 'comment',
  'hljs-title': 'name',
  'hljs-name': 'name',
  'hljs-selector-class': 'name',
  'hljs-selector-id': 'name',
  'hljs-type': 'type',
  'hljs-built_in': 'type',
  'hljs-class': 'type',
  'hljs-attr': 'attribute',
  'hljs-attribute': 'attribute',
  'hljs-property': 'attribute',
  'hljs-variable': 'attribute',
  'hljs-bullet': 'attribute',
};

type Node = ReturnType<typeof lowlight.highlight>['children'][number];

/** Reads code into the pieces of each of its lines. An unknown language has one piece a line. */
export function readCode(language: string, text: string): Piece[][] {
  const lines: Piece[][] = [[]];
  const add = (part: string, kind: Kind | undefined): void => {
    for (const [i, line] of part.split('\n').entries()) {
      if (i > 0) lines.push([]);
      if (line !== '') lines.at(-1)?.push({ text: line, kind });
    }
  };
  const visit = (nodes: readonly Node[], kind: Kind | undefined): void => {
    for (const node of nodes)
      if (node.type === 'text') add(node.value, kind);
      else if (node.type === 'element') visit(node.children, kindOf(node.properties['className']) ?? kind);
  };
  if (lowlight.registered(language)) visit(lowlight.highlight(language, text).children, undefined);
  else add(text, undefined);
  return lines;
}

function kindOf(classes: unknown): Kind | undefined {
  for (const name of Array.isArray(classes) ? classes : []) {
    const kind = KINDS[String(name)];
    if (kind) return kind;
  }
  return undefined;
}

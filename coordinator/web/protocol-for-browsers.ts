import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

const ZOD = fileURLToPath(new URL('../../coordinator/web/zod.ts', import.meta.url));

/** One or more strings that are joined with `+`. */
const TEXT = String.raw`(?:(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|${'`'}(?:[^${'`'}\\]|\\.)*${'`'})\s*\+?\s*)+`;
/** Of a field: a text, or a function that makes one. */
const DESCRIBED = new RegExp(String.raw`\.describe\(\s*(?:${TEXT}|\w+\(\)),?\s*\)`, 'g');
const OF_ROUTES = new RegExp(String.raw`\b(?:summary|description):\s*${TEXT}(?:,|(?=\}))`, 'g');
/** What a client does not read of a route: it sends what it is given, and the server checks it. */
const OF_REQUESTS = /^ {4}(?:auth: '\w+'|scope: '\w+'|(?:params|query|body): [\w.]+|errors: \[[^\]]*\]),$/gm;
const MEANING = new RegExp(String.raw`\b(event|numbered)\(\s*('[\w.]+'),\s*${TEXT},`, 'g');

/**
 * The protocol as a browser needs it. `import { z }` brings all of zod, with its messages in fifty languages; a
 * namespace brings what is used, a third of the size of the whole app, and `zod.ts` sets what a browser needs. What
 * only the documents say of routes, events and fields is left out, and so is what makes JSON Schemas: both were a
 * tenth of the first view. Of a route a client reads where it is and what it answers.
 */
export const protocolForBrowsers: Plugin = {
  name: 'protocol-for-browsers',
  setup(build) {
    build.onLoad({ filter: /\/(protocol|client)\/.*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const code = withoutDocuments(path.endsWith('routes.ts') ? withoutRequests(text) : text);
      return { loader: 'ts', contents: code.replace("import { z } from 'zod'", zodImport) };
    });
    build.onLoad({ filter: /\/zod\/v4\/core\/(to-json-schema|json-schema-processors)\.js$/ }, async ({ path }) => {
      const names = [...(await readFile(path, 'utf8')).matchAll(/^export (?:const|function) (\w+)/gm)];
      return { loader: 'js', contents: names.map(([, name]) => `export const ${name} = () => undefined;`).join('\n') };
    });
  },
};

const zodImport = `import * as z from ${JSON.stringify(ZOD)}`;

/** Leaves out the texts of the documents. What it does not recognise stays. */
export function withoutDocuments(text: string): string {
  return text.replace(DESCRIBED, '').replace(OF_ROUTES, '').replace(MEANING, "$1($2, '',");
}

/** Leaves out what a client does not read of the routes. */
export function withoutRequests(text: string): string {
  return text.replace(OF_REQUESTS, '');
}

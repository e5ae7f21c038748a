import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPERATIONS, WEBHOOKS } from '../operations.ts';

/*
 * Takes what the stand-in needs from GitHub's description of its API, and writes it as JSON Schema beside this folder.
 *
 *   npm pack @octokit/openapi && tar xf octokit-openapi-*.tgz
 *   ./.node test/support/forge/github/extract/main.ts package
 */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Node = { [key: string]: Json };

const folder = process.argv[2] ?? 'package';
const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
const api = JSON.parse(readFileSync(join(folder, 'generated/api.github.com.json'), 'utf8')) as Node;

const WORDS = new Set(['description', 'example', 'examples', 'title', 'discriminator', 'default', 'externalDocs']);
const definitions: Node = {};

function at(...path: string[]): Json | undefined {
  return path.reduce<Json | undefined>((node, key) => (node as Node | undefined)?.[key], api);
}

/** Without words for people; references lead to `definitions`, and `nullable` is written as JSON Schema has it. */
function schemaOf(node: Json, is_map = false): Json {
  if (Array.isArray(node)) return node.map((element) => schemaOf(element));
  if (typeof node !== 'object' || node === null) return node;
  if (typeof node['$ref'] === 'string') return refer(node['$ref']);
  const kept = Object.entries(node).filter(([key]) => is_map || (!WORDS.has(key) && !key.startsWith('x-')));
  const { nullable, ...schema }: Node = Object.fromEntries(
    kept.map(([key, value]) => [
      key,
      key === 'enum' || key === 'required' ? value : schemaOf(value, key === 'properties'),
    ]),
  );
  if (is_map) return nullable === undefined ? schema : { ...schema, nullable };
  if (nullable !== true) return schema;
  if (typeof schema['type'] !== 'string') return { anyOf: [{ type: 'null' }, schema] };
  const values = schema['enum'] as Json[] | undefined;
  return { ...schema, type: [schema['type'], 'null'], ...(values && { enum: [...new Set([...values, null])] }) };
}

function refer(ref: string): Node {
  const [, , kind = '', name = ''] = ref.split('/');
  if (kind !== 'schemas') throw new Error(`Unexpected reference: ${ref}`);
  if (!(name in definitions)) {
    definitions[name] = null;
    definitions[name] = schemaOf(at('components', 'schemas', name) ?? null);
  }
  return { $ref: `#/definitions/${name}` };
}

function resolved(node: Json | undefined): Node {
  const ref = (node as Node | undefined)?.['$ref'];
  return typeof ref === 'string' ? resolved(at(...ref.slice(2).split('/'))) : ((node ?? {}) as Node);
}

function contentOf(node: Json | undefined): Json {
  const content = resolved(node)['content'] as Node | undefined;
  const schema = (content?.['application/json'] as Node | undefined)?.['schema'];
  return schema === undefined ? null : schemaOf(schema);
}

const operations = Object.fromEntries(
  OPERATIONS.map((name) => {
    const [method = '', path = ''] = name.split(' ');
    const operation = resolved(at('paths', path, method.toLowerCase()));
    const responses = Object.entries((operation['responses'] ?? {}) as Node);
    return [
      name,
      {
        request: contentOf(operation['requestBody']),
        responses: Object.fromEntries(responses.map(([status, response]) => [status, contentOf(response)])),
      },
    ];
  }),
);
const webhooks = Object.fromEntries(
  Object.values(WEBHOOKS).map((name) => [name, contentOf(resolved(at('x-webhooks', name, 'post'))['requestBody'])]),
);
const source = `@octokit/openapi ${version}, generated/api.github.com.json (MIT); written by extract/main.ts`;
writeFileSync(
  join(import.meta.dirname, '../github-api.json'),
  `${JSON.stringify({ source, operations, webhooks, definitions })}\n`,
);

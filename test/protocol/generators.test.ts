import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { createConfig, lint } from '@redocly/openapi-core';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import specification from '@asyncapi/specs/schemas/3.0.0-without-$id.json' with { type: 'json' };
import { asyncapiDocument } from '../../protocol/asyncapi.ts';
import { openapiDocument } from '../../protocol/openapi.ts';
import { CLOSE, CLOSE_MEANING, ServerFrame } from '../../protocol/socket.ts';
import { temporaryFolder } from '../support/folder.ts';

/* The tools of others take the documents: a linter, a generator of types, and the schema of AsyncAPI. */

const run = promisify(execFile);
const ROOT = new URL('../../', import.meta.url);
// The generator needs an older TypeScript than the repository's, so npm installs both beside protocol/.
const generator = fileURLToPath(new URL('protocol/node_modules/openapi-typescript/bin/cli.js', ROOT));
const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', ROOT));

/** Code of a client. It compiles only if the types have these names and shapes. */
const CLIENT = `
import type { components, operations } from './api.ts';
type Schemas = components['schemas'];
type Task = operations['getTask']['responses'][200]['content']['application/json'];

export const status = (task: Task): Schemas['TaskStatus'] => task.status;
export const usage = (task: Task): Schemas['Usage'] => task.usage;
export const question = (waiting: Schemas['WaitingFor']) =>
  waiting.kind === 'person' ? waiting.question : waiting.since;
export const place = (waiting: Schemas['WaitingForQueue']): number => waiting.place;
export const waiting: Task['waiting_for'] = null;
export function words(event: Schemas['Event']): string {
  switch (event.type) {
    case 'turn.finished':
      return event.body.content.map(({ type }) => type).join();
    case 'task.status':
      return event.body.to;
    default:
      return event.at;
  }
}
// @ts-expect-error: not a status
export const unknown: Schemas['TaskStatus'] = 'sleeping';
// @ts-expect-error: a kind without its fields
export const incomplete: Schemas['WaitingFor'] = { kind: 'person', since: '' };
// @ts-expect-error: a prompt is required
export const empty: Schemas['TaskCreate'] = {};
`;

test('redocly lint finds nothing in the OpenAPI document', async (t) => {
  const ref = join(await temporaryFolder(t), 'openapi.json');
  await writeFile(ref, JSON.stringify(openapiDocument()));
  const problems = await lint({ ref, config: await createConfig({ extends: ['recommended'] }) });
  t.deepEqual(
    problems.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer}: ${message}`),
    [],
  );
});

test('openapi-typescript makes types with our names, and a client of them compiles', async (t) => {
  const folder = await temporaryFolder(t);
  const document = join(folder, 'openapi.json');
  await writeFile(document, JSON.stringify(openapiDocument()));
  await run(process.execPath, [generator, document, '--output', join(folder, 'api.ts')]);
  t.regex(await readFile(join(folder, 'api.ts'), 'utf8'), /Format: int64/);
  await writeFile(join(folder, 'client.ts'), CLIENT);
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--allowImportingTsExtensions',
    '--module',
    'nodenext',
    '--types',
    '',
  ];
  await t.notThrowsAsync(run(process.execPath, [tsc, ...options, join(folder, 'client.ts')]));
});

test('the AsyncAPI document is valid, and has every frame and close code', (t) => {
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  const validate = ajv.compile(specification);
  const document = asyncapiDocument();
  validate(document);
  t.deepEqual(validate.errors, null);
  const { operations, channels } = document as {
    operations: { sendServerFrame: { messages: { $ref: string }[] } };
    channels: { socket: { 'x-close-codes': { code: number; description: string }[] } };
  };
  t.deepEqual(
    operations.sendServerFrame.messages.map(({ $ref }) => $ref.split('/').at(-1)),
    ServerFrame.options.map(({ shape }) => shape.type.value),
  );
  const codes = channels.socket['x-close-codes'];
  t.deepEqual(
    codes.map(({ code }) => code),
    Object.values(CLOSE),
  );
  for (const meaning of Object.values(CLOSE_MEANING)) t.true(JSON.stringify(codes).includes(meaning), meaning);
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
  for (const path of references)
    t.truthy(
      path.split('/').reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], document),
      path,
    );
});

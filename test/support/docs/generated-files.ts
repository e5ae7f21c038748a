import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { schemaDocument } from '../../../protocol/json-schema.ts';
import { drawMap } from './map.ts';
import { envExample, errorsTable, eventsTable, ratesTable, routesTable, settingsTables } from './tables.ts';

const ROOT = new URL('../../../', import.meta.url);

/** A file that `npm run docs` writes, whole or in part. */
export type GeneratedFile = { path: string; text: string };

/** The generated files with the text that they should have. Their other text stays as it is. */
export async function generatedFiles(): Promise<GeneratedFile[]> {
  return [
    await withParts('coordinator/README.md', { settings: settingsTables() }),
    await withParts('protocol/README.md', {
      routes: routesTable(),
      errors: errorsTable(),
      rates: ratesTable(),
      events: eventsTable(),
    }),
    await asJson('protocol/schemas.json', schemaDocument()),
    { path: fileURLToPath(new URL('coordinator/errand.env.example', ROOT)), text: envExample() },
    { path: fileURLToPath(new URL('.github/map.svg', ROOT)), text: drawMap() },
  ];
}

/** A Markdown file whose parts between the marks `<!-- generated: NAME -->` and `<!-- end -->` are replaced. */
async function withParts(file: string, parts: Record<string, string>): Promise<GeneratedFile> {
  const path = fileURLToPath(new URL(file, ROOT));
  let text = await readFile(path, 'utf8');
  for (const [name, part] of Object.entries(parts)) {
    const marked = new RegExp(`(<!-- generated: ${name} -->).*?(<!-- end -->)`, 's');
    if (!marked.test(text)) throw new Error(`${file} has no place for the generated part '${name}'.`);
    text = text.replace(marked, (_, start: string, end: string) => `${start}\n\n${part}\n\n${end}`);
  }
  return { path, text: await format(text, { ...(await resolveConfig(path)), parser: 'markdown' }) };
}

async function asJson(file: string, value: unknown): Promise<GeneratedFile> {
  const path = fileURLToPath(new URL(file, ROOT));
  return { path, text: await format(JSON.stringify(value), { ...(await resolveConfig(path)), parser: 'json' }) };
}

import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { ForgeKind } from '../../../protocol/forges.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A comparison of something with the name of a kind. */
const kind = `'(${ForgeKind.options.join('|')})'`;
const BRANCH = new RegExp(`[!=]==? ${kind}|${kind} [!=]==?|case ${kind}`, 'g');
const FOLDERS = ForgeKind.options.map((name) => `coordinator/forge/${name}/`);

test('only the folder of a forge asks of what kind a forge is', (t) => {
  const files = globSync('{coordinator,protocol}/**/*.{ts,tsx}', { cwd: ROOT, exclude: ['**/node_modules'] });
  t.true(files.length > 500);
  const branches = files
    .filter((file) => !FOLDERS.some((folder) => file.startsWith(folder)))
    .flatMap((file) => (readFileSync(`${ROOT}${file}`, 'utf8').match(BRANCH) ?? []).map((text) => `${file}: ${text}`));
  t.deepEqual(branches, []);
});

test('a kind of forge has a folder, and nothing else in its name', (t) => {
  const files = globSync('coordinator/forge/*/driver.ts', { cwd: ROOT });
  t.deepEqual(files.sort(), FOLDERS.map((folder) => `${folder}driver.ts`).sort());
});

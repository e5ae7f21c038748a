import test from 'ava';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const AGENT = join(ROOT, 'agent-container');
const readme = readFileSync(join(AGENT, 'README.md'), 'utf8');
/** The folders of its map, in the order of the table; the last one is the root. */
const FOLDERS = [...readme.matchAll(/^\| `(\w+)\/` +\|/gm), ['', '']].map(([, name = '']) => name);

test('its files are there', (t) => {
  for (const [, path = ''] of readme.matchAll(/`([\w-]+\/[\w./-]*)`/g))
    t.true(existsSync(join(AGENT, path)) || existsSync(join(ROOT, path)), path);
});

test('its table names every setting', (t) => {
  const table = [...readme.matchAll(/^\| `(ERRAND_\w+)` +\|/gm)].map(([, name = '']) => name);
  const read = [...readFileSync(join(AGENT, 'config.ts'), 'utf8').matchAll(/get\('(ERRAND_\w+)'\)/g)];
  t.deepEqual(table.toSorted(), [...new Set(read.map(([, name = '']) => name))].toSorted());
});

test('its map names every folder, and a folder imports only folders above it', (t) => {
  const files = globSync('**/*.ts', { cwd: AGENT });
  const folderOf = (path: string) => (dirname(path) === '.' ? '' : dirname(path));
  t.deepEqual([...new Set(files.map(folderOf))].toSorted(), FOLDERS.toSorted());
  for (const file of files) {
    const source = readFileSync(join(AGENT, file), 'utf8');
    for (const [, imported = ''] of source.matchAll(/(?:from |import\()'(\.[^']+)'/g)) {
      const path = normalize(join(dirname(file), imported));
      if (path.startsWith('../protocol/')) continue;
      const [from, to] = [FOLDERS.indexOf(folderOf(file)), FOLDERS.indexOf(folderOf(path))];
      t.true(to !== -1 && to <= from, `${file} imports ${path}`);
    }
  }
});

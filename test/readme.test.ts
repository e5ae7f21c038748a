import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import test from 'ava';
import { folders } from '../.oxlint/folders.ts';
import { readConfig } from '../coordinator/base/config.ts';
import { SETTING_GROUPS, SETTING_NAMES } from '../coordinator/base/settings.ts';
import { COMMANDS } from '../coordinator/cli/commands.ts';
import { ADMIN_COMMANDS } from '../coordinator/cli/admin-commands.ts';
import { generatedFiles } from './support/docs/generated-files.ts';
import { drawMap } from './support/docs/map.ts';
import { envExample } from './support/docs/tables.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const PAGES = ['README.md', 'coordinator/README.md', 'protocol/README.md', 'agent-container/README.md'];
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
const command_names = [...COMMANDS, ...Object.values(ADMIN_COMMANDS)].map(({ name }) => name);

test('what is generated from the code is up to date; if not, run npm run docs', async (t) => {
  for (const { path, text } of await generatedFiles()) t.is(await readFile(path, 'utf8'), text, relative(ROOT, path));
});

test('each setting belongs to one group of the documentation', (t) => {
  t.deepEqual(Object.values(SETTING_GROUPS).flat().toSorted(), SETTING_NAMES.toSorted());
});

test('the defaults of the example file are the defaults', (t) => {
  const documented = parseEnv(envExample().replaceAll(/^#(?=[A-Z])/gm, ''));
  t.deepEqual(Object.keys(documented).toSorted(), SETTING_NAMES.toSorted());
  // Only where they come from differs.
  const { in_force: _, ...config } = readConfig(documented);
  const { in_force: __, ...defaults } = readConfig({});
  t.deepEqual(config, defaults);
});

test('the map shows every folder of the coordinator and the worker', (t) => {
  const map = drawMap();
  for (const { folder } of folders) {
    const name = /^(?:coordinator|agent-container)\/([^/]+)$/.exec(folder)?.[1];
    if (name !== undefined) t.true(map.includes(`${name}/`), folder);
  }
});

for (const page of PAGES) {
  const text = readFileSync(join(ROOT, page), 'utf8');

  test(`${page}: its scripts and commands exist`, (t) => {
    for (const [, name = ''] of text.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:-]+)/g))
      t.true(name in scripts, `npm run ${name}`);
    for (const [, words = ''] of text.matchAll(/(?:npx|coordinator) errand ([a-z]+(?: [a-z]+)?)/g))
      t.true(
        command_names.some((name) => words === name || words.split(' ')[0] === name),
        `errand ${words}`,
      );
  });

  test(`${page}: its paths and links lead somewhere`, (t) => {
    for (const [, path = ''] of text.matchAll(
      /`((?:protocol|coordinator|agent-container|test|\.ci|\.oxlint|\.github)\/[\w./-]*)`/g,
    ))
      t.true(existsSync(join(ROOT, path)), path);
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
    for (const [, path = '', anchor] of text.matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)) {
      if (path !== '') t.true(existsSync(join(ROOT, dirname(page), path)), path);
      else t.true(headings.includes(anchor ?? ''), `#${anchor}`);
    }
  });
}

test('the README is short enough for a newcomer', (t) => {
  t.true(readFileSync(join(ROOT, 'README.md'), 'utf8').split('\n').length <= 150);
});

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { readConfig } from '../coordinator/base/config.ts';
import { SETTING_NAMES } from '../coordinator/base/settings.ts';
import { COMMANDS } from '../coordinator/cli/commands.ts';
import { ADMIN_COMMANDS } from '../coordinator/cli/admin-commands.ts';

const ROOT = new URL('../', import.meta.url);
const readme = readFileSync(new URL('README.md', ROOT), 'utf8');
const { scripts } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { scripts: object };

/** The rows of the table of settings: a name, and its default where it has one. */
const SETTINGS = [...readme.matchAll(/^\| `([A-Z0-9_]+)` +\| (?:`([^`]+)`)? +\|/gm)].map(([, name = '', preset]) => ({
  name,
  preset,
}));

test('its table names each setting once, and nothing that is none', (t) => {
  t.deepEqual(SETTINGS.map(({ name }) => name).toSorted(), SETTING_NAMES.toSorted());
});

test("its table's defaults are the defaults", (t) => {
  const documented = Object.fromEntries(SETTINGS.flatMap(({ name, preset }) => (preset ? [[name, preset]] : [])));
  t.true(Object.keys(documented).length > 10);
  t.deepEqual(readConfig(documented), readConfig({}));
});

test('its scripts, commands and files are there', (t) => {
  for (const [, name = ''] of readme.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:-]+)/g))
    t.true(name in scripts, `npm run ${name}`);
  for (const [, words = ''] of readme.matchAll(/npx errand ([a-z]+(?: [a-z]+)?)/g))
    t.true(
      [...COMMANDS, ...Object.values(ADMIN_COMMANDS)].some(
        ({ name }) => words === name || words.split(' ')[0] === name,
      ),
      `npx errand ${words}`,
    );
  for (const [, path = ''] of readme.matchAll(
    /`((?:protocol|coordinator|agent-container|test|\.ci|\.github)\/[\w./-]*)`/g,
  ))
    t.true(existsSync(new URL(path, ROOT)), path);
});

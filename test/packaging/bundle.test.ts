import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { CoordinatorProcess } from '../support/coordinator-process.ts';
import { temporaryFolder } from '../support/folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Makes the bundle of a folder; returns its path. */
async function bundle(folder: string): Promise<string> {
  const { stdout } = await promisify(execFile)(join(ROOT, '.bundle'), [folder]);
  return join(ROOT, stdout.trim());
}

for (const folder of ['coordinator', 'agent-container'])
  test.serial(`the bundle of ${folder} is ASCII: else it takes two bytes of memory for each character`, async (t) => {
    const path = await bundle(folder);
    t.is(path, join(ROOT, folder, 'bundle/main.cjs'));
    const text = await readFile(path, 'latin1');
    // Where a regular expression has such a character, write it as \uXXXX.
    t.deepEqual(text.match(/.{0,40}[^\0-\x7f]+.{0,40}/g) ?? [], []);
    // A bundle that is newer than its sources is kept.
    t.is(await bundle(folder), path);
  });

test.serial('the bundled server starts, and finds the files of its checkout', async (t) => {
  const main = await bundle('coordinator');
  const server = CoordinatorProcess.start(t, await temporaryFolder(t), { ERRAND_RUNNER: 'process' }, main);
  const url = await server.url();
  t.is((await fetch(`${url}/readyz`)).status, 200);
  t.regex(await (await fetch(url, { headers: { accept: 'text/html' } })).text(), /src="app\/part-\w+\.js"/);
  t.is((await server.stop()).code, 0);
});

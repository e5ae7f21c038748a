import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { z } from 'zod';
import { temporaryFolder } from '../support/folder.ts';

/* The result of `npm ci` on a machine without compilers, with any Node and npm. `.ci/install` sets this up. */

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LockFile = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), optional: z.boolean().optional() })),
});
const Package = z.object({ bin: z.object({ errand: z.string() }), scripts: z.record(z.string(), z.string()) });
const root_package = Package.parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
const lock_file = LockFile.parse(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')));

/** The folders of the required packages that npm would compile. */
const native = Object.entries(lock_file.packages)
  .filter(
    ([folder, { dev, optional }]) =>
      folder !== '' && !dev && !optional && existsSync(join(ROOT, folder, 'binding.gyp')),
  )
  .map(([folder]) => folder);

/** The compiled code that a package ships for Linux with glibc. */
function prebuilt(folder: string, arch: string): string[] {
  const prebuilds = join(ROOT, folder, 'prebuilds');
  const files = existsSync(prebuilds) ? readdirSync(prebuilds, { recursive: true, encoding: 'utf8' }) : [];
  return files
    .filter((file) => file.startsWith(`linux-${arch}`) && file.endsWith('.node') && !file.includes('musl'))
    .map((file) => join(prebuilds, file));
}

test("npm runs no package's install script here", async (t) => {
  const { PATH, HOME } = process.env;
  const { stdout } = await run('npm', ['config', 'get', 'ignore-scripts'], {
    cwd: ROOT,
    env: { PATH, HOME },
  });
  t.is(stdout.trim(), 'true');
});

test('each package with native code ships it for x64 and arm64, and it loads', (t) => {
  t.true(native.includes('node_modules/better-sqlite3'), native.join());
  const require = createRequire(import.meta.url);
  for (const folder of native) {
    for (const arch of ['x64', 'arm64']) t.is(prebuilt(folder, arch).length, 1, `${folder} for ${arch}`);
    for (const file of prebuilt(folder, process.arch)) t.notThrows(() => void require(file), file);
  }
});

test('`npx errand` and the scripts that run TypeScript use the Node that npm installed', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'node'), '#!/bin/sh\necho an old Node\n', { mode: 0o755 });
  const env = { PATH: [folder, '/usr/bin', '/bin'].join(delimiter), HOME: folder };
  t.regex((await run(join(ROOT, '.node'), ['--version'], { env })).stdout, /^v24\./);

  // As npx does.
  await symlink(join(ROOT, root_package.bin.errand), join(folder, 'errand'));
  t.regex((await run('errand', ['--help'], { env })).stdout, /watch ID/);

  for (const [name, command] of Object.entries(root_package.scripts))
    t.notRegex(command, /(^|\s)(node|ava)(\s|$)/, name);
});

import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

/*
 * `npm run pack:cli [FOLDER]`: packs the command line for `npm install`. Node does not run TypeScript under
 * node_modules, so the package contains JavaScript. Its launcher checks the Node version before it loads anything else.
 */

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const execute = promisify(execFile);
const Manifest = z.object({ dependencies: z.record(z.string(), z.string()) });
const RootManifest = z.object({ version: z.string(), license: z.string(), description: z.string() });

const [destination = '.'] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'errand-pack-'));
try {
  await compile(folder);
  for (const name of ['errand.cjs', 'README.md']) await copyFile(join(import.meta.dirname, name), join(folder, name));
  await writeFile(join(folder, 'package.json'), JSON.stringify(await manifest(), null, 2));
  const { stdout } = await execute('npm', ['pack', folder, '--silent', '--pack-destination', resolve(destination)]);
  process.stdout.write(`${resolve(destination, stdout.trim())}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Compiles cli/main.ts and everything it imports, in the same folders as the sources. */
async function compile(out_dir: string): Promise<void> {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  await execute(process.execPath, [compiler, '--project', import.meta.dirname, '--outDir', out_dir]);
}

async function manifest() {
  const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(join(ROOT, path), 'utf8'));
  const { version, license, description } = RootManifest.parse(await read('package.json'));
  const { dependencies } = Manifest.parse(await read('coordinator/package.json'));
  return {
    name: 'errand',
    version,
    license,
    description,
    type: 'module',
    bin: { errand: 'errand.cjs' },
    engines: { node: '>=24' },
    dependencies: { uqr: dependencies['uqr'], ws: dependencies['ws'], zod: dependencies['zod'] },
  };
}

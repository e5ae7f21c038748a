import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What the app is made of. When any of it changes, the app is built again. */
const SOURCES = ['protocol', 'coordinator/client', 'coordinator/web', 'package-lock.json'];

/** Names the state of the app's sources in the checkout at `root`. Reads all of them, which is a fifth of a start. */
export function versionOfSources(root: string): string {
  const digest = createHash('sha256');
  for (const source of SOURCES.map((name) => join(root, name)).filter(existsSync)) {
    const names = statSync(source).isFile() ? [''] : readdirSync(source, { recursive: true }).map(String);
    for (const name of names.filter((each) => each === '' || isSource(each)).sort())
      digest.update(`${name}\0`).update(readFileSync(join(source, name)));
  }
  return digest.digest('hex').slice(0, 16);
}

function isSource(name: string): boolean {
  return /\.(ts|tsx|css|svg|png)$/.test(name) && !name.startsWith('dist');
}

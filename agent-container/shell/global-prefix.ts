import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The global settings of npm, in the HOME of commands. */
export const GLOBAL_NPMRC = '.local/etc/npmrc';

/**
 * Makes `npm install -g` and `yarn global add` write to HOME, by settings. A variable would do it too, but nvm refuses
 * to work beside one, and beside a prefix in `~/.npmrc`. Files that exist stay. Never rejects: what fails costs only
 * such an installation.
 */
export async function writeGlobalPrefix(home: string): Promise<void> {
  const files: [path: string, text: string][] = [
    [GLOBAL_NPMRC, 'prefix=${HOME}/.local\n'],
    ['.yarnrc', `prefix ${JSON.stringify(join(home, '.local'))}\n`],
  ];
  await Promise.allSettled(
    files.map(async ([path, text]) => {
      const file = join(home, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text, { flag: 'wx' });
    }),
  );
}

import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../base/regular-file.ts';
import { configText } from './agent-repository.ts';
import type { Git } from './git.ts';

/**
 * Sets the author of what commands commit in repositories without one, in the HOME of commands. It is a setting: a
 * variable would win over what the project's own tests set in the repositories that they make. In a file that is there
 * already the other settings stay. Never rejects: what fails costs only such a commit.
 */
export async function writeHomeIdentity(
  git: Git,
  home: string,
  author: { name: string; email: string },
): Promise<void> {
  const path = join(home, '.gitconfig');
  const found = await lstat(path).catch(() => null);
  const written = found?.isFile() ? setAuthor(git, author, path) : replaceFile(path, configText({ user: author }));
  await written.catch(() => undefined);
}

/** Sets the author in a file of settings. */
export async function setAuthor(
  git: Git,
  { name, email }: { name: string; email: string },
  path: string,
): Promise<void> {
  for (const [key, value] of Object.entries({ name, email }))
    await git.run(['config', '--file', path, '--replace-all', `user.${key}`, value]);
}

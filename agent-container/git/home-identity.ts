import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../base/regular-file.ts';
import { authorSettings, configText, type Author } from './agent-repository.ts';
import { splitNul, type Git } from './git.ts';

/**
 * Sets the author of what commands commit in repositories without one, in the HOME of commands. It is a setting: a
 * variable would win over what the project's own tests set in the repositories that they make. In a file that is there
 * already what commands have set stays. Never rejects: what fails costs only such a commit.
 */
export async function writeHomeIdentity(git: Git, home: string, author: Author): Promise<void> {
  const path = join(home, '.gitconfig');
  const found = await lstat(path).catch(() => null);
  const written = found?.isFile()
    ? setAuthor(git, author, path)
    : replaceFile(path, configText(authorSettings(author)));
  await written.catch(() => undefined);
}

/** Sets the author in a file of settings, except what a command has set to something else. */
export async function setAuthor(git: Git, { name, email }: Author, path: string): Promise<void> {
  const read = async (key: string) => {
    const { code, stdout } = await git.try(['config', '--file', path, '--null', '--get', key]);
    return code === 0 ? (splitNul(stdout)[0] ?? '') : null;
  };
  for (const [key, value] of Object.entries({ name, email })) {
    const [now, was_set] = await Promise.all([read(`user.${key}`), read(`errand.author.${key}`)]);
    if (now !== null && was_set !== null && now !== was_set && now !== value) continue;
    for (const each of [`user.${key}`, `errand.author.${key}`])
      await git.run(['config', '--file', path, '--replace-all', each, value]);
  }
}

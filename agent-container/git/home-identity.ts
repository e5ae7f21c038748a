import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configText } from './agent-repository.ts';

/**
 * Sets the author of what commands commit in repositories without one, in the HOME of commands. It is a setting: a
 * variable would win over what the project's own tests set in the repositories that they make. A file that exists
 * stays. Never rejects: what fails costs only such a commit.
 */
export async function writeHomeIdentity(home: string, author: { name: string; email: string }): Promise<void> {
  const text = configText({ user: author });
  await writeFile(join(home, '.gitconfig'), text, { flag: 'wx' }).catch(() => undefined);
}

import { cp, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from './folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Makes a newer version of Errand: a copy with one more migration. Returns the path of its `coordinator/main.ts`. */
export async function makeNewerErrand(t: ExecutionContext): Promise<string> {
  const folder = await temporaryFolder(t);
  for (const name of ['protocol', 'coordinator', 'agent-container', 'package.json'])
    await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const migrations = join(folder, 'coordinator/sqlite/migrations');
  const number = String((await readdir(migrations)).length + 1).padStart(4, '0');
  const migration = `ALTER TABLE tasks ADD COLUMN later TEXT; CREATE INDEX tasks_later ON tasks (later, id);`;
  await writeFile(join(migrations, `${number}-later.sql`), migration);
  return join(folder, 'coordinator/main.ts');
}

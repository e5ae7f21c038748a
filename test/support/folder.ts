import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** What a test's resources need of it: to be told when it ends. A program can be that too. */
export type Ends = Pick<ExecutionContext, 'teardown'>;

/** A temporary folder that is removed when the test ends. */
export async function temporaryFolder(t: Ends): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'errand-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

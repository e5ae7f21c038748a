import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { sourcePath } from '../../base/source-path.ts';

/**
 * The path of the worker's program: one file, which starts with a third of the CPU time of the sources. The sources,
 * where it cannot be made: without the bundler, or in a checkout that this user may not change.
 */
export async function workerEntry(): Promise<string> {
  const bundle = promisify(execFile)(sourcePath('.bundle'), ['agent-container']);
  const path = await bundle.then(({ stdout }) => stdout.trim()).catch(() => 'agent-container/main.ts');
  return sourcePath(path);
}

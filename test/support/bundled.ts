import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The path of a program as it ships: one file, made of `<folder>/main.ts` where the sources are newer. It starts in
 * half the CPU time of the sources, and tests start hundreds. `entry`: a program of the tests that runs it with other
 * parts, as a path from the root.
 */
export function bundled(folder: 'coordinator' | 'coordinator/cli' | 'agent-container', entry?: string): string {
  const args = entry === undefined ? [folder] : [folder, entry];
  const path = execFileSync(join(ROOT, '.bundle'), args, { encoding: 'utf8' });
  return join(ROOT, path.trim());
}

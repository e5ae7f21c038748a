import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The path of a program as it ships: one file, made of `<folder>/main.ts` where the sources are newer. It starts in half
 * the CPU time of the sources, and tests start hundreds.
 */
export function bundled(folder: 'coordinator' | 'coordinator/cli' | 'agent-container'): string {
  const path = execFileSync(join(ROOT, '.bundle'), [folder], { encoding: 'utf8' });
  return join(ROOT, path.trim());
}

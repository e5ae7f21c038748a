import { readFile } from 'node:fs/promises';

/** What one command hands over to the next: the working directory and the exported variables. */
export type ShellState = { cwd: string; env: Record<string, string> };

/**
 * Runs `$1` as a shell would, then writes the working directory and the exported environment to `$2`. It does so in an
 * EXIT trap, so that it also happens when the command calls `exit`.
 */
export const RUN_AND_SAVE_STATE = `exec 2>&1
readonly ERRAND_STATE=$2
trap '{ builtin printf "%s\\0" "$(builtin pwd -P)" && command -p env -0 && builtin printf "%s\\0" END; } >"$ERRAND_STATE" 2>/dev/null' EXIT
eval "$1"`;

/** Variables of the shell that has ended. */
const DROPPED_VARIABLES = new Set(['_', 'SHLVL', 'PWD']);

/**
 * Reads the state that a command left, without the variables in `dropped`. Undefined if it is missing or incomplete.
 */
export async function readShellState(file: string, dropped: string[]): Promise<ShellState | undefined> {
  const [cwd, ...variables] = (await readFile(file, 'utf8').catch(() => '')).split('\0').slice(0, -1);
  // Without END the shell was killed while it wrote.
  if (cwd === undefined || cwd === '' || variables.at(-1) !== 'END') return undefined;
  const env: Record<string, string> = {};
  for (const variable of variables) {
    const at = variable.indexOf('=');
    const name = variable.slice(0, at);
    if (at > 0 && !DROPPED_VARIABLES.has(name) && !dropped.includes(name)) env[name] = variable.slice(at + 1);
  }
  return { cwd, env };
}

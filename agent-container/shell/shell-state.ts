import { isUtf8 } from 'node:buffer';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRegularFile } from '../base/regular-file.ts';

/** What one command hands over to the next: the working directory and the exported variables. */
export type ShellState = { cwd: Buffer; env: Record<string, string> };

/**
 * Runs the command in `$1/command` as a shell would, then writes the working directory and the exported environment to
 * `$1/state`. It does so in an EXIT trap, so that it also happens when the command calls `exit`. A file holds the
 * command because an argument has at most 128 kB, and so that `pkill -f` does not find the command's own shell. With a
 * variable that is too long for any program `env` cannot run, and the shell itself lists the variables. `$1/cwd` is
 * there only for a working directory that Node cannot pass on.
 */
const RUN_AND_SAVE_STATE = `exec 2>&1
readonly ERRAND_STATE=$1
shift
errand_variables() {
  command -p env -0 || builtin compgen -e | while IFS= builtin read -r name; do builtin printf "%s=%s\\0" "$name" "\${!name}"; done
}
trap '{ builtin printf "%s\\0" "$(builtin pwd -P; builtin printf x)" && errand_variables && builtin printf "%s\\0" END; } >"$ERRAND_STATE/state" 2>/dev/null' EXIT
[ ! -e "$ERRAND_STATE/cwd" ] || builtin cd -- "$(<"$ERRAND_STATE/cwd")"
eval "$(<"$ERRAND_STATE/command")"`;

/** What Linux takes for one variable. With a longer one no program would start any more, so it is dropped. */
const VARIABLE_BYTES_MAX = 128 * 1024 - 1;
/** For all variables: far below what Linux takes. */
const VARIABLES_BYTES_MAX = 1024 * 1024;

/** For all that a command leaves, also what is dropped. */
const STATE_BYTES_MAX = 32 * 1024 * 1024;

/** Variables of the shell that has ended. */
const DROPPED_VARIABLES = new Set(['_', 'SHLVL', 'PWD']);

/** The files of one command: what it is, and the state that it leaves. */
export class CommandFiles {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Writes the command to a new directory in the first of `parents` that is not full: a command can make room. */
  static async write(parents: string[], command: string, cwd: Buffer): Promise<CommandFiles> {
    const [parent, ...others] = parents;
    const files = new CommandFiles(await mkdtemp(join(parent ?? tmpdir(), '.command-')));
    try {
      await writeFile(join(files.#dir, 'command'), command);
      if (!isUtf8(cwd)) await writeFile(join(files.#dir, 'cwd'), cwd);
      return files;
    } catch (error) {
      await files.remove();
      if (others.length === 0) throw error;
      return CommandFiles.write(others, command, cwd);
    }
  }

  /** The arguments of bash that run the command. */
  get bash_args(): string[] {
    return ['-c', RUN_AND_SAVE_STATE, 'bash', this.#dir];
  }

  /** The state that the command left, without the variables in `dropped`. Undefined if it is missing or incomplete. */
  async readState(dropped: string[]): Promise<ShellState | undefined> {
    const file = (await readRegularFile(join(this.#dir, 'state'), STATE_BYTES_MAX)) ?? Buffer.alloc(0);
    const end = file.indexOf(0);
    // The shell adds a newline and an x, so that a newline in the directory's name stays.
    const cwd = file.subarray(0, Math.max(0, end - 2));
    const variables = file
      .toString('utf8', end + 1)
      .split('\0')
      .slice(0, -1);
    // Without END the shell was killed while it wrote.
    if (cwd.length === 0 || variables.at(-1) !== 'END') return undefined;
    return { cwd, env: readVariables(variables, dropped) };
  }

  async remove(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }
}

function readVariables(variables: string[], dropped: string[]): Record<string, string> {
  const env: Record<string, string> = {};
  let bytes_left = VARIABLES_BYTES_MAX;
  for (const variable of variables) {
    const at = variable.indexOf('=');
    const name = variable.slice(0, at);
    const bytes = Buffer.byteLength(variable);
    if (at <= 0 || DROPPED_VARIABLES.has(name) || dropped.includes(name)) continue;
    if (bytes > VARIABLE_BYTES_MAX || bytes > bytes_left) continue;
    bytes_left -= bytes;
    env[name] = variable.slice(at + 1);
  }
  return env;
}

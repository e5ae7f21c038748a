import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRegularFile, replaceFile } from '../base/regular-file.ts';
import type { Secrets } from '../base/secrets.ts';
import { BackgroundCommands, type BackgroundCommand } from './background-commands.ts';
import { DEFAULT_PATH } from './command-env.ts';
import { CommandOutput } from './command-output.ts';
import { startGroup, type Group, type GroupExit } from './process-group.ts';
import { CommandFiles, type ShellState } from './shell-state.ts';
import { guarded, type Program } from './signal-guard.ts';
import { killStrayProcesses } from './stray-processes.ts';

/** In the environment of every command, so that processes which have left their group can be found. */
const OWNER_VARIABLE = 'ERRAND_COMMANDS_OF';
/** Not looked up in PATH, which a command may change. */
const BASH = '/bin/bash';
/** More than the longest path. */
const CWD_BYTES_MAX = 64 * 1024;

type Options = {
  /** Where the first command starts, and any command whose working directory is gone. It is made if it is missing. */
  repo_dir: string;
  /** Where the whole output of a command goes if it is long. */
  scratch_dir: string;
  /** The environment of the first command. */
  env: Record<string, string>;
  secrets: Secrets;
  /** Names the files in `scratch_dir`: unique among all shells that share it. */
  label: string;
  /** Aborts: every command ends. */
  signal: AbortSignal;
};

export type CommandResult = GroupExit & {
  /** stdout and stderr in the order in which they came; of a long output the head and the tail. */
  output: string;
  /** The file with the output, if `output` does not have all of it. */
  log: string | null;
  /** What of the output is in that file: words for a sentence. */
  in_log: string;
  /** The working directory of the next command. */
  cwd: Buffer;
  cwd_changed: boolean;
  /** Whether the command, or one in the background before it, started in the repository: its directory was gone. */
  cwd_was_gone: boolean;
  /** Whether the next command starts as this one did: it left no state, as after `exec`. */
  is_state_lost: boolean;
};

/**
 * A command that was just started. Its id names it and the file of its output: unique among all workers of the task.
 */
type Begun = { id: string; before: ShellState; files: CommandFiles; output: CommandOutput; group: Group };

/**
 * Runs commands in bash. Each command gets a new process, which starts with the working directory and the exported
 * variables that the one before ended with: so no command can leave the shell in a broken state. One command at a time,
 * except those in the background.
 */
export class Shell {
  readonly #options: Options;
  readonly #id = randomBytes(12).toString('hex');
  readonly #background = new BackgroundCommands();
  readonly #forks: Shell[] = [];
  #state: ShellState;
  #cwd_file: string | undefined;
  #cwd_was_gone = false;
  #commands = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#state = { cwd: Buffer.from(options.repo_dir), env: { ...options.env } };
  }

  /** The working directory of the next command. */
  get cwd(): Buffer {
    return this.#state.cwd;
  }

  /** The variables of the next command. */
  get env(): Readonly<Record<string, string>> {
    return this.#state.env;
  }

  /** The PATH that the shell started with. Commands may have changed theirs since. */
  get path(): string {
    return this.#options.env['PATH'] ?? DEFAULT_PATH;
  }

  /** Another shell, with this one's variables as they are now, in the repository. It ends when this one is closed. */
  fork(label: string): Shell {
    const fork = new Shell({ ...this.#options, env: { ...this.#state.env }, label });
    this.#forks.push(fork);
    return fork;
  }

  /** Continues in the working directory that the file names, if it is still there, and keeps the file up to date. */
  async keepCwdIn(file: string): Promise<void> {
    this.#cwd_file = file;
    const cwd = await readRegularFile(file, CWD_BYTES_MAX);
    if (cwd !== undefined && (await isDirectory(cwd))) this.#state = { ...this.#state, cwd };
  }

  /** Runs a command to its end. Rejects with the signal's reason on an abort, or if bash cannot be started. */
  async run(command: string, timeout_ms: number, onText: (text: string) => void): Promise<CommandResult> {
    return this.#finish(await this.#begin(command, timeout_ms, onText));
  }

  /**
   * The same, but a command that still runs when `moves` resolves goes on in the background, up to its time limit, and
   * is returned; unless too many run there already.
   */
  async runOrMove(
    command: string,
    timeout_ms: number,
    { onText, moves }: { onText: (text: string) => void; moves: Promise<void> },
  ): Promise<CommandResult | BackgroundCommand> {
    const begun = await this.#begin(command, timeout_ms, onText);
    const ended = begun.group.exited.catch(() => undefined).then(() => false);
    const is_moving = await Promise.race([ended, moves.then(() => true)]);
    return is_moving && this.#background.has_room ? this.#move(begun) : this.#finish(begun);
  }

  /** Starts a command that runs in the background until it ends or is stopped. Throws if too many run already. */
  async start(command: string): Promise<BackgroundCommand> {
    this.#background.requireRoom();
    return this.#move(await this.#begin(command));
  }

  /** The commands that run in the background. */
  get running(): BackgroundCommands['running'] {
    return this.#background.running;
  }

  /** What the model should know of background commands that have ended. Each is told once. */
  takeNotices(): string[] {
    return this.#background.takeNotices();
  }

  /** The ids of the background commands that still run. Each is told once. */
  takeUnfinished(): string[] {
    return this.#background.takeUnfinished();
  }

  /** Ends a background command. Undefined if there is none with this id. */
  stop(id: string): ReturnType<BackgroundCommands['stop']> {
    return this.#background.stop(id);
  }

  /**
   * How to start a program beside the commands: with their variables and these, and without a way to signal the worker.
   * It ends when this shell is closed.
   */
  program(file: string, args: string[], env: Record<string, string>): Program {
    return guarded({ file, args, env: { ...this.#state.env, ...env, [OWNER_VARIABLE]: this.#id } });
  }

  /** Ends everything that still runs: in the background, in forks, and as daemons. */
  async close(): Promise<void> {
    await Promise.all(this.#forks.map((fork) => fork.close()));
    await this.#background.stopAll();
    killStrayProcesses(OWNER_VARIABLE, this.#id);
  }

  async #begin(command: string, timeout_ms?: number, onText?: (text: string) => void): Promise<Begun> {
    const before = await this.#stateBefore();
    const id = `${this.#options.label}-${++this.#commands}`;
    const files = await CommandFiles.write([tmpdir(), this.#options.scratch_dir], command, before.cwd);
    const output = new CommandOutput(join(this.#options.scratch_dir, `${id}.log`), this.#options.secrets, onText);
    try {
      return { id, before, files, output, group: this.#spawn(files, output, timeout_ms) };
    } catch (error) {
      await output.close();
      await files.remove();
      throw error;
    }
  }

  /** Waits for the end of a command, and takes over the state that it left. */
  async #finish({ before, files, output, group }: Begun): Promise<CommandResult> {
    try {
      const exit = await group.exited;
      const log = await output.close();
      // After its time limit a command may be half done: the next one starts from the state before it.
      const left = exit.timed_out ? before : await files.readState([OWNER_VARIABLE]);
      this.#state = left ?? before;
      const { cwd } = this.#state;
      const cwd_changed = !cwd.equals(before.cwd);
      // On a full disk the next worker starts in the repository.
      if (cwd_changed && this.#cwd_file !== undefined) await replaceFile(this.#cwd_file, cwd).catch(() => undefined);
      const { in_log, text } = output;
      const cwd_was_gone = this.#cwd_was_gone;
      this.#cwd_was_gone = false;
      const where = { cwd, cwd_changed, cwd_was_gone, is_state_lost: left === undefined };
      return { ...exit, output: text, log, in_log, ...where };
    } finally {
      await output.close();
      await files.remove();
    }
  }

  /** Lets a command go on in the background. */
  #move({ id, files, output, group }: Begun): BackgroundCommand {
    output.toFile();
    void group.exited.catch(() => undefined).then(() => files.remove());
    return this.#background.add(id, group, output);
  }

  async #stateBefore(): Promise<ShellState> {
    if (!(await isDirectory(this.#state.cwd))) {
      const { repo_dir } = this.#options;
      // A command may have removed that too, and without a folder nothing can be started.
      await mkdir(repo_dir, { recursive: true });
      this.#state = { ...this.#state, cwd: Buffer.from(repo_dir) };
      this.#cwd_was_gone = true;
    }
    return this.#state;
  }

  #spawn(files: CommandFiles, output: CommandOutput, timeout_ms: number | undefined): Group {
    const { cwd } = this.#state;
    const program = this.program(BASH, files.bash_args, {});
    return startGroup(program.file, program.args, {
      // The command itself changes to a directory whose name is not UTF-8.
      cwd: isUtf8(cwd) ? cwd.toString() : this.#options.repo_dir,
      env: program.env,
      signal: this.#options.signal,
      ...(timeout_ms !== undefined && { timeout_ms }),
      onData: (bytes) => output.push(bytes),
    });
  }
}

async function isDirectory(path: Buffer): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

import { randomBytes } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { killMarked, startGroup, type Group, type GroupExit } from './process-group.ts';
import { HeadAndTail, TextCleaner, type Secrets } from '../base/text.ts';

/** No program that asks, pages, colours or draws a progress bar: nobody is there to answer. */
const NON_INTERACTIVE = {
  CI: '1',
  NO_COLOR: '1',
  TERM: 'dumb',
  PAGER: 'cat',
  GIT_PAGER: 'cat',
  MANPAGER: 'cat',
  LESS: '-R',
  EDITOR: 'true',
  GIT_EDITOR: 'true',
  GIT_TERMINAL_PROMPT: '0',
  DEBIAN_FRONTEND: 'noninteractive',
  PIP_PROGRESS_BAR: 'off',
  TQDM_DISABLE: '1',
  npm_config_progress: 'false',
};

/** In the environment of every command: by it those are found that have left their group. */
const MARK = 'ERRAND_COMMANDS_OF';
/** Not looked up in PATH, which a command may change. */
const BASH = '/bin/bash';
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';
const LOG_BYTES_MAX = 32 * 1024 * 1024;
const BACKGROUND_MAX = 16;

/**
 * Runs `$1` as a shell would, and then writes the working folder and the exported environment to `$2`, for the next command to start with. It is an
 * EXIT trap, so that a command that calls `exit` is no different.
 */
const WRAPPER = `exec 2>&1
readonly ERRAND_STATE=$2
trap '{ builtin printf "%s\\0" "$(builtin pwd -P)" && command -p env -0 && builtin printf "%s\\0" END; } >"$ERRAND_STATE" 2>/dev/null' EXIT
eval "$1"`;
/** Of the shell that ends, not of the next. */
const NOT_CARRIED = new Set(['_', 'SHLVL', 'PWD', MARK]);

export type ShellOptions = {
  /** Where the first command starts, and any whose folder is gone. */
  repo_dir: string;
  /** Where the whole output of a command goes when it is long. */
  scratch_dir: string;
  env: Record<string, string>;
  secrets: Secrets;
  /** Names the files in `scratch_dir`: unique over all that share it. */
  label: string;
  /** Aborts: every command ends. */
  signal: AbortSignal;
};

export type CommandResult = GroupExit & {
  /** What it wrote, stdout and stderr as they came; of a long output the head and the tail. */
  output: string;
  /** The file with all of it, where `output` has not all. */
  log: string | null;
  /** The working folder of the next command. */
  cwd: string;
  cwd_changed: boolean;
};

type Background = { log: string; group: Group; exit: GroupExit | undefined; written: Promise<unknown> };
type State = { cwd: string; env: Record<string, string> };

/**
 * A shell that cannot wedge: each command has a fresh bash, which starts with the working folder and the exported environment that the one before ended
 * with. Not for two commands at once, save those in the background.
 */
export class Shell {
  readonly #options: ShellOptions;
  readonly #mark = randomBytes(12).toString('hex');
  readonly #background = new Map<string, Background>();
  readonly #forks: Shell[] = [];
  #state: State;
  #n = 0;

  constructor(options: ShellOptions) {
    this.#options = options;
    this.#state = { cwd: options.repo_dir, env: { ...NON_INTERACTIVE, ...options.env } };
  }

  /** Where programs are looked for, whatever the commands made of it since. */
  get path(): string {
    return this.#options.env['PATH'] ?? DEFAULT_PATH;
  }

  /** Another shell with this one's environment as it is now, in the repository. What happens in one does not change the other; they end together. */
  fork(label: string): Shell {
    const fork = new Shell({ ...this.#options, env: { ...this.#state.env }, label });
    this.#forks.push(fork);
    return fork;
  }

  /** Runs a command to its end. Rejects with the signal's reason at an abort, or where bash cannot be started. */
  async run(command: string, timeout_ms: number, onText: (text: string) => void): Promise<CommandResult> {
    const before = await this.#start();
    const folder = await mkdtemp(join(tmpdir(), 'errand-state-'));
    const state_file = join(folder, 'state');
    const sink = new Sink(this.#logName(), this.#options.secrets, onText);
    try {
      const group = this.#spawn(command, state_file, sink, timeout_ms);
      const exit = await group.exited;
      const log = await sink.end();
      // What a command had half done when its time was up is not what the next one should start with.
      if (!exit.timed_out) this.#state = (await readState(state_file)) ?? before;
      const { cwd } = this.#state;
      return { ...exit, output: sink.shown.toString(), log, cwd, cwd_changed: cwd !== before.cwd };
    } finally {
      await sink.end();
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Starts a command that runs beside the others until it ends or is stopped. Throws where too many do already. */
  async start(command: string): Promise<{ id: string; log: string }> {
    const running = [...this.#background.values()].filter(({ exit }) => exit === undefined);
    if (running.length >= BACKGROUND_MAX) throw new Error(`${BACKGROUND_MAX} commands run in the background already`);
    await this.#start();
    const log = this.#logName();
    const sink = new Sink(log, this.#options.secrets, undefined);
    const group = this.#spawn(command, '/dev/null', sink, undefined);
    const id = `background-${this.#n}`;
    const entry: Background = { log, group, exit: undefined, written: Promise.resolve() };
    entry.written = group.exited
      .then((exit) => {
        entry.exit = exit;
        sink.write(`\n[${endOf(exit)}]\n`);
      })
      .catch(() => undefined)
      .then(() => sink.end());
    this.#background.set(id, entry);
    return { id, log };
  }

  /** Ends a command of the background; undefined where there is none of that name. */
  async stop(id: string): Promise<{ log: string; was_running: boolean } | undefined> {
    const entry = this.#background.get(id);
    if (!entry) return undefined;
    const was_running = entry.exit === undefined;
    await entry.group.end();
    await entry.written;
    return { log: entry.log, was_running };
  }

  /** How a command of the background ended; undefined while it runs. */
  exitOf(id: string): GroupExit | undefined {
    return this.#background.get(id)?.exit;
  }

  /** Ends all that still runs, in the background or in a session of its own. */
  async close(): Promise<void> {
    await Promise.all(this.#forks.map((fork) => fork.close()));
    await Promise.all([...this.#background.keys()].map((id) => this.stop(id)));
    killMarked(MARK, this.#mark);
  }

  async #start(): Promise<State> {
    this.#n++;
    if (!(await isFolder(this.#state.cwd))) this.#state = { ...this.#state, cwd: this.#options.repo_dir };
    return this.#state;
  }

  #spawn(command: string, state_file: string, sink: Sink, timeout_ms: number | undefined): Group {
    const { cwd, env } = this.#state;
    return startGroup(BASH, ['-c', WRAPPER, 'bash', command, state_file], {
      cwd,
      env: { ...env, [MARK]: this.#mark },
      signal: this.#options.signal,
      ...(timeout_ms !== undefined && { timeout_ms }),
      onData: (bytes) => sink.take(bytes),
    });
  }

  #logName(): string {
    return join(this.#options.scratch_dir, `${this.#options.label}-${this.#n}.log`);
  }
}

/** Words for how a command ended. */
export function endOf({ exit_code, ended_by, timed_out }: GroupExit): string {
  if (timed_out) return 'ended at its time limit';
  return exit_code === null ? `ended by ${ended_by ?? 'a signal'}` : `exit code ${exit_code}`;
}

/** Where a command's output goes: to whoever watches, to the head and tail that are kept, and to a file once it is longer than those. */
class Sink {
  readonly shown = new HeadAndTail();
  readonly #path: string;
  readonly #cleaner: TextCleaner;
  readonly #onText: ((text: string) => void) | undefined;
  #file: WriteStream | undefined;
  #before_file = '';
  #bytes = 0;
  #ended: Promise<string | null> | undefined;

  /** Without `onText` it writes to the file from the start. */
  constructor(path: string, secrets: Secrets, onText: ((text: string) => void) | undefined) {
    this.#path = path;
    this.#cleaner = new TextCleaner(secrets);
    this.#onText = onText;
    if (onText === undefined) this.#file = openLog(path);
  }

  take(bytes: Uint8Array): void {
    this.write(this.#cleaner.push(bytes));
  }

  write(text: string): void {
    if (text === '') return;
    this.shown.push(text);
    this.#onText?.(text);
    if (!this.#file) {
      this.#before_file += text;
      if (this.shown.left_out === 0) return;
      this.#file = openLog(this.#path);
    }
    const whole = this.#before_file === '' ? text : this.#before_file;
    this.#before_file = '';
    const was = this.#bytes;
    this.#bytes += Buffer.byteLength(whole);
    if (this.#bytes <= LOG_BYTES_MAX) this.#file.write(whole);
    else if (was <= LOG_BYTES_MAX) this.#file.write(`\n[This file ends here, at ${LOG_BYTES_MAX} bytes.]\n`);
  }

  /** Closes the file; its path where there is one. */
  end(): Promise<string | null> {
    return (this.#ended ??= this.#close());
  }

  async #close(): Promise<string | null> {
    this.write(this.#cleaner.end());
    const file = this.#file;
    if (!file) return null;
    file.end();
    await finished(file).catch(() => undefined);
    return this.#path;
  }
}

function openLog(path: string): WriteStream {
  const file = createWriteStream(path, { mode: 0o600 });
  // A full disk costs the log, not the command: its head and tail are kept in memory.
  file.on('error', () => undefined);
  return file;
}

async function readState(file: string): Promise<State | undefined> {
  const [cwd, ...variables] = (await readFile(file, 'utf8').catch(() => '')).split('\0').slice(0, -1);
  // Without its last word the shell was ended while it wrote.
  if (cwd === undefined || cwd === '' || variables.at(-1) !== 'END') return undefined;
  const env: Record<string, string> = {};
  for (const variable of variables) {
    const at = variable.indexOf('=');
    const name = variable.slice(0, at);
    if (at > 0 && !NOT_CARRIED.has(name)) env[name] = variable.slice(at + 1);
  }
  return { cwd, env };
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

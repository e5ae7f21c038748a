import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from './folder.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../coordinator/cli/main.ts', import.meta.url));

export type Ended = { code: number | null; stdout: string; stderr: string };

/** The command line as a user runs it: a process per command, and one configuration folder that keeps the session. */
export class CommandLine {
  readonly config_dir: string;
  readonly #t: ExecutionContext;

  private constructor(t: ExecutionContext, config_dir: string) {
    this.#t = t;
    this.config_dir = config_dir;
  }

  static async create(t: ExecutionContext): Promise<CommandLine> {
    return new CommandLine(t, await temporaryFolder(t));
  }

  /** Runs a command until it ends. */
  run(argv: string[], options: { stdin?: string; env?: Record<string, string> } = {}): Promise<Ended> {
    return this.start(argv, options).ended;
  }

  /** Starts a command. It is killed when the test ends. */
  start(argv: string[], { stdin = '', env = {} }: { stdin?: string; env?: Record<string, string> } = {}): Running {
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, [MAIN, ...argv], {
      env: { PATH, HOME, XDG_CONFIG_HOME: this.config_dir, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin.on('error', () => undefined); // Not every command reads its input.
    child.stdin.end(stdin);
    this.#t.teardown(() => child.kill('SIGKILL'));
    return new Running(child);
  }
}

export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(child, 'close').then(([code]) => ({ code, stdout: this.stdout, stderr: this.stderr }));
  }

  /** Waits until the output contains a text. */
  async shows(text: string): Promise<void> {
    await until(
      `the output contains '${text}'`,
      () => this.stdout.includes(text) || this.child.exitCode !== null,
      20_000,
    );
    if (!this.stdout.includes(text)) throw new Error(`It ended without '${text}': ${this.stdout}${this.stderr}`);
  }
}

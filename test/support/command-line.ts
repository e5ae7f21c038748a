import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { isAdminCommand } from '../../coordinator/cli/admin-commands.ts';
import { Servers } from '../../coordinator/cli/servers.ts';
import { bundled } from './bundled.ts';
import { temporaryFolder } from './folder.ts';
import { until } from './until.ts';

/** Without the server's code: it cannot run the commands of the server's machine. */
const INSTALLED = bundled('coordinator/cli');
const IN_A_CLONE = fileURLToPath(new URL('../../coordinator/cli/main.ts', import.meta.url));

type StartOptions = {
  stdin?: string;
  env?: Record<string, string>;
  /** A file descriptor to write to in place of a pipe. */
  stdout?: number;
  stderr?: number;
};
export type Ended = { code: number | null; stdout: string; stderr: string };

/** The command line as a person has it: a process for each command, and one folder that keeps the log-in. */
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

  /** The file with the servers and their sessions. */
  get servers_path(): string {
    return join(this.config_dir, 'errand', 'servers.json');
  }

  async servers(): Promise<Servers> {
    return Servers.parse(JSON.parse(await readFile(this.servers_path, 'utf8')));
  }

  /** The session at the only server. */
  async login(): Promise<NonNullable<Servers['servers'][number]['login']>> {
    const { servers } = await this.servers();
    if (servers.length !== 1 || !servers[0]?.login) throw new Error('There is not exactly one session.');
    return servers[0].login;
  }

  /** Runs a command to its end. */
  run(argv: string[], options: StartOptions = {}): Promise<Ended> {
    return this.start(argv, options).ended;
  }

  /** Starts a command; it is killed with the test, should it still run. */
  start(argv: string[], { stdin = '', env = {}, stdout, stderr }: StartOptions = {}): Running {
    const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env;
    const child = spawn(process.execPath, [isAdminCommand(argv) ? IN_A_CLONE : INSTALLED, ...argv], {
      env: { PATH, HOME, NODE_COMPILE_CACHE, XDG_CONFIG_HOME: this.config_dir, ...env },
      stdio: ['pipe', stdout ?? 'pipe', stderr ?? 'pipe'],
    });
    child.stdin?.on('error', () => undefined); // Not every command reads it.
    child.stdin?.end(stdin);
    this.#t.teardown(() => child.kill('SIGKILL'));
    return new Running(child);
  }
  /**
   * Runs a command to its end at a terminal of this width. `stdout` has what the terminal got on both outputs, without
   * colours. `answer`: called when it asks for confirmation; what is typed then. It needs `script` from util-linux.
   */
  async atTerminal(columns: number, argv: string[], answer?: () => string): Promise<Ended> {
    const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env;
    const words = [process.execPath, INSTALLED, ...argv].map((word) => `'${word}'`).join(' ');
    const command = `stty cols ${columns} rows 40 && ${words}`;
    const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
      env: { PATH, HOME, NODE_COMPILE_CACHE, XDG_CONFIG_HOME: this.config_dir, TERM: 'xterm', NO_COLOR: '1' },
      stdio: [answer === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    this.#t.teardown(() => child.kill('SIGKILL'));
    const running = new Running(child);
    if (answer !== undefined) {
      await running.shows('[y/N]');
      child.stdin?.write(`${answer()}\n`);
    }
    const { code, stdout, stderr } = await running.ended;
    return { code, stdout: stdout.replaceAll('\r\n', '\n'), stderr };
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

  /** Waits until the output holds a text. */
  async shows(text: string, within_ms = 60_000): Promise<void> {
    await until(
      `the output holds '${text}'`,
      () => this.stdout.includes(text) || this.child.exitCode !== null,
      within_ms,
    );
    if (!this.stdout.includes(text)) throw new Error(`It ended without '${text}': ${this.stdout}${this.stderr}`);
  }
}

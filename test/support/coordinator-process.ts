import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { bundled } from './bundled.ts';
import { Running, type Ended } from './command-line.ts';
import { removeWorkers } from './remove-workers.ts';
import { until } from './until.ts';

const MAIN = bundled('coordinator');
/** The entry of a coordinator that also listens on TCP for workers. */
export const TCP_MAIN = bundled('coordinator', 'test/support/tcp-coordinator.ts');
/** The state of a listening TCP socket in `/proc/net/tcp`. */
const LISTENS = '0A';
/** The settings of a coordinator whose `memory` is asked for. It starts more slowly. */
export const REPORTS_MEMORY = {
  NODE_OPTIONS: `--expose-gc --import=${new URL('./report-memory.ts', import.meta.url).href}`,
};

/** A coordinator in a process of its own, as `npm start` runs it. It is killed with its workers when the test ends. */
export class CoordinatorProcess extends Running {
  readonly pid: number;

  /** `env`: its settings; without ports it takes free ones. `main`: the `coordinator/main.ts` of another version. */
  static start(
    t: ExecutionContext,
    data_dir: string,
    env: Record<string, string> = {},
    main = MAIN,
  ): CoordinatorProcess {
    const coordinator = CoordinatorProcess.spawn(data_dir, env, [main]);
    t.teardown(async () => {
      await coordinator.kill();
      await removeWorkers(data_dir);
      if (!t.passed) t.log(coordinator.stdout.slice(-4000), coordinator.stderr.slice(-4000));
    });
    return coordinator;
  }

  /**
   * Starts one that the caller has to stop. `program`: its entry and arguments; `under`: a command that starts it, such
   * as strace.
   */
  static spawn(
    data_dir: string,
    env: Record<string, string> = {},
    program: string[] = [MAIN],
    under: string[] = [],
  ): CoordinatorProcess {
    const { PATH = '', DOCKER_HOST = '', NODE_COMPILE_CACHE = '' } = process.env;
    const own = { PORT: '0', ERRAND_CALLBACK_PORT: '0', ERRAND_DATA: data_dir, ERRAND_WARM_WORKERS: '0' };
    const [command = '', ...args] = [...under, process.execPath, ...program];
    const child = spawn(command, args, {
      env: { PATH, DOCKER_HOST, NODE_COMPILE_CACHE, ...own, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new CoordinatorProcess(child);
  }

  private constructor(child: ReturnType<typeof spawn>) {
    super(child);
    this.pid = child.pid ?? 0;
  }

  /** Resolves with its address when it is ready. */
  async url(): Promise<string> {
    await this.shows('Errand is ready: ');
    return /Errand is ready: (\S+)/.exec(this.stdout)?.[1] ?? '';
  }

  /** Stops it with SIGTERM. Resolves when it has ended. */
  stop(): Promise<Ended> {
    this.child.kill('SIGTERM');
    return this.ended;
  }

  kill(): Promise<Ended> {
    this.child.kill('SIGKILL');
    return this.ended;
  }

  /** The bytes in use after a garbage collection. It was started with `REPORTS_MEMORY`. */
  async memory(): Promise<number> {
    const reported = () => [...this.stderr.matchAll(/^in use: (\d+)$/gm)].map(([, bytes]) => Number(bytes));
    const before = reported().length;
    this.child.kill('SIGUSR2');
    return until('its memory is reported', () => reported()[before]);
  }

  /** Its open file descriptors, sorted: paths, or the kind (socket, pipe). */
  handles(): string[] {
    return this.#descriptors()
      .map((target) => target.replace(/:\[\d+\]$/, ''))
      .sort();
  }

  /**
   * Its open sockets. `said`: what the system says of it, a line of `/proc/net`. `accepted`: a connection at a port
   * where it listens.
   */
  sockets(): { said: string; accepted: boolean }[] {
    const inodes = this.#descriptors().flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
    const lines = ['unix', 'tcp', 'tcp6', 'udp'].flatMap((kind) =>
      readFileSync(`/proc/${this.pid}/net/${kind}`, 'utf8').trim().split('\n'),
    );
    const sockets = inodes.map((inode) => {
      const fields = lines
        .find((line) => line.split(/\s+/).includes(inode))
        ?.trim()
        .split(/\s+/) ?? [`socket ${inode}`];
      const [, local = '', , state = ''] = fields;
      return { said: fields.join(' '), port: local.split(':')[1], listens: state === LISTENS };
    });
    const listening = new Set(sockets.flatMap(({ listens, port }) => (listens && port ? [port] : [])));
    return sockets.map(({ said, port, listens }) => ({
      said,
      accepted: !listens && port !== undefined && listening.has(port),
    }));
  }

  #descriptors(): string[] {
    const dir = `/proc/${this.pid}/fd`;
    return readdirSync(dir).flatMap((fd) => {
      try {
        return [readlinkSync(join(dir, fd))];
      } catch {
        return []; // Closed since it was listed.
      }
    });
  }
}

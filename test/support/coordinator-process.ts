import { spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { Running, type Ended } from './command-line.ts';
import { removeWorkers } from './remove-workers.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../coordinator/main.ts', import.meta.url));
/** For a coordinator with the TCP port for workers open. */
export const TCP_MAIN = fileURLToPath(new URL('./tcp-coordinator.ts', import.meta.url));
const TELL_MEMORY = new URL('./tell-memory.ts', import.meta.url).href;

/** A coordinator in a process of its own, as `npm start` runs it. It ends with the test, and so do its workers. */
export class CoordinatorProcess extends Running {
  readonly pid: number;

  /** `env`: its settings. Where they name no ports, it takes free ones. `main`: another Errand's `coordinator/main.ts`. */
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

  /** The same for whoever ends it himself. `program`: its entry and what follows on the command line; `under`: the command that is to start it. */
  static spawn(
    data_dir: string,
    env: Record<string, string> = {},
    program: string[] = [MAIN],
    under: string[] = [],
  ): CoordinatorProcess {
    const { PATH = '', DOCKER_HOST = '' } = process.env;
    const own = { PORT: '0', ERRAND_CALLBACK_PORT: '0', ERRAND_DATA: data_dir, ERRAND_WARM_WORKERS: '0' };
    const [command = '', ...args] = [...under, process.execPath, '--expose-gc', '--import', TELL_MEMORY, ...program];
    const child = spawn(command, args, {
      env: { PATH, DOCKER_HOST, ...own, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new CoordinatorProcess(child);
  }

  private constructor(child: ReturnType<typeof spawn>) {
    super(child);
    this.pid = child.pid ?? 0;
  }

  /** Its address, once it is ready. */
  async url(): Promise<string> {
    await this.shows('Errand is ready: ');
    return /Errand is ready: (\S+)/.exec(this.stdout)?.[1] ?? '';
  }

  /** Asks it to end; gives how it ended. */
  stop(): Promise<Ended> {
    this.child.kill('SIGTERM');
    return this.ended;
  }

  kill(): Promise<Ended> {
    this.child.kill('SIGKILL');
    return this.ended;
  }

  /** The bytes that are in use once its garbage has been collected. */
  async memory(): Promise<number> {
    const told = () => [...this.stderr.matchAll(/^in use: (\d+)$/gm)].map(([, bytes]) => Number(bytes));
    const before = told().length;
    this.child.kill('SIGUSR2');
    return until('its memory is told', () => told()[before]);
  }

  /** What its open file descriptors are, sorted: paths, and of sockets and the like the kind. */
  handles(): string[] {
    const dir = `/proc/${this.pid}/fd`;
    const targets = readdirSync(dir).flatMap((fd) => {
      try {
        return [readlinkSync(join(dir, fd)).replace(/:\[\d+\]$/, '')];
      } catch {
        return []; // Closed since it was listed.
      }
    });
    return targets.sort();
  }
}

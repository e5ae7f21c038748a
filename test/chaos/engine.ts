import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../support/until.ts';

const run = promisify(execFile);

/**
 * A second Docker engine that tests may kill. It has no bridge, since workers need no network, and runs in a network
 * namespace of its own, since an engine without a bridge would remove the machine's. Creating it is slow (the workers'
 * image is copied into it), so one engine is shared, used by one run at a time, and closed with the process.
 */
export class Engine {
  readonly #dir: string;
  #daemon: ChildProcess | undefined;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  get host(): string {
    return `unix://${join(this.#dir, 'docker.sock')}`;
  }

  static async create(image: string): Promise<Engine> {
    const engine = new Engine(await mkdtemp(join(tmpdir(), 'errand-engine-')));
    await engine.start(true);
    await run('sh', ['-c', `docker save ${image} | docker -H ${engine.host} load`]);
    return engine;
  }

  /** Starts the daemon. `live_restore`: containers survive the daemon. */
  async start(live_restore: boolean): Promise<void> {
    const config = join(this.#dir, 'daemon.json');
    await writeFile(config, JSON.stringify({ 'live-restore': live_restore }));
    const at = (name: string) => join(this.#dir, name);
    this.#daemon = spawn(
      'unshare',
      [
        '--net',
        'dockerd',
        `--config-file=${config}`,
        `--data-root=${at('data')}`,
        `--exec-root=${at('exec')}`,
        `--pidfile=${at('pid')}`,
        `--host=${this.host}`,
        '--bridge=none',
        '--iptables=false',
        '--ip-masq=false',
      ],
      { stdio: 'ignore' },
    );
    await until('the engine answers', () => this.#answers(), 60_000);
  }

  signal(what: NodeJS.Signals): void {
    this.#daemon?.kill(what);
  }

  async kill(): Promise<void> {
    const daemon = this.#daemon;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
    // Stale pid files and sockets would look like running daemons.
    for (const left of ['pid', 'exec/containerd/containerd.pid', 'exec/containerd/containerd.sock'])
      await rm(join(this.#dir, left), { force: true });
  }

  /** Stops the daemon with SIGTERM. */
  async end(): Promise<void> {
    this.signal('SIGTERM');
    if (this.#daemon) await once(this.#daemon, 'exit');
  }

  /** Kills its containerd. */
  async killContainerd(): Promise<void> {
    process.kill(Number(await readFile(join(this.#dir, 'exec/containerd/containerd.pid'), 'utf8')), 'SIGKILL');
  }

  /** Stops the daemon and its containers, and removes its data. */
  async close(): Promise<void> {
    await this.kill();
    await this.start(false);
    await this.end();
    // The daemon bind-mounts its data folder on itself.
    await run('umount', ['--lazy', join(this.#dir, 'data')]).catch(() => undefined);
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 3 });
  }

  #answers(): Promise<boolean> {
    return run('docker', ['-H', this.host, 'version']).then(
      () => true,
      () => false,
    );
  }
}

let made: Promise<Engine> | undefined;
let queue: Promise<void> = Promise.resolve();

/** Waits until the engine is free, and borrows it. */
export async function borrowEngine(): Promise<{ engine: Engine; giveBack: () => void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = queue;
  queue = before.then(() => promise);
  await before;
  made ??= Engine.create('errand-agent');
  return { engine: await made, giveBack: resolve };
}

/** Closes the engine if there is one. */
export async function closeEngine(): Promise<void> {
  await (await made)?.close();
  made = undefined;
}

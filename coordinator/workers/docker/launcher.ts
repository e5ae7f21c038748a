import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerInspectInfo } from 'dockerode';
import type { Logger } from 'pino';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Launcher, LaunchSpec } from '../local/launcher.ts';
import { OUTPUT_CHARS_MAX, type WorkerEnd } from '../runner.ts';
import { readFault, type Availability } from './availability.ts';
import { ifThere, openEngine, statusOf, type Engine } from './engine.ts';
import { findHostPath, type HostPath } from './host-paths.ts';
import { containerOptions, INSTANCE_LABEL } from './options.ts';

const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;
/** How long a removal that another call began may take. */
const REMOVAL_MS = 15_000;
const KILLED = 137;

export type DockerLauncherOptions = {
  docker_host: string | undefined;
  image: string;
  /** This server's `instance`: its label on all its containers. */
  instance: string;
  data_dir: string;
  logger: Logger;
};

/** Workers as containers of a Docker engine. Its calls reject where the engine does not answer; none of them hangs. */
export class DockerLauncher implements Launcher {
  readonly name = 'docker';
  readonly owner: { uid: number; gid: number };
  readonly #options: DockerLauncherOptions;
  readonly #engine: Engine;
  readonly #closed = new AbortController();
  /** Names that another server has: never removed here. */
  readonly #foreign = new Set<string>();
  #machine: Promise<{ cpus: number; hostPath: HostPath }> | undefined;

  /** Calls nothing yet. */
  constructor(options: DockerLauncherOptions) {
    this.#options = options;
    this.#engine = openEngine(options.docker_host);
    const uid = process.getuid?.() ?? 0;
    // Never root. A coordinator that is not root can give away no folder, and so shares its own identity with its workers.
    this.owner = uid === 0 ? { uid: 1000, gid: 1000 } : { uid, gid: process.getgid?.() ?? uid };
  }

  async start(spec: LaunchSpec): Promise<void> {
    try {
      await this.#create(spec);
      // Answers 304 where it runs already.
      await this.#container(spec.name).start();
    } catch (error) {
      if (statusOf(error) === 304) return;
      throw this.#inWords(error);
    }
  }

  async ended(name: string): Promise<WorkerEnd> {
    let wait_ms = RETRY_FIRST_MS;
    while (!this.#closed.signal.aborted) {
      try {
        const container = await ifThere(this.#container(name).inspect());
        if (!container?.State.Running) return await this.#readEnd(name, container);
        await ifThere(this.#engine.waits.getContainer(name).wait());
        wait_ms = RETRY_FIRST_MS;
      } catch (error) {
        // The engine was restarted, or hangs, or the wait has lasted its time: it is looked at anew.
        this.#options.logger.debug({ worker: name, err: error }, 'the wait for a container was cut');
        await delay(wait_ms, undefined, { ref: false });
        wait_ms = Math.min(wait_ms * 2, RETRY_MAX_MS);
      }
    }
    return new Promise(() => undefined);
  }

  async remove(name: string): Promise<void> {
    if (this.#foreign.has(name)) return;
    try {
      await ifThere(this.#container(name).remove({ force: true, v: true }));
    } catch (error) {
      // 409: it is being removed already.
      if (statusOf(error) !== 409) throw error;
      await this.#removed(name);
    }
  }

  async list(): Promise<string[]> {
    const filters = { label: [`${INSTANCE_LABEL}=${this.#options.instance}`] };
    const containers = await this.#engine.calls.listContainers({ all: true, filters });
    return containers.flatMap(({ Names }) => Names.slice(0, 1).map((name) => name.replace(/^\//, '')));
  }

  async check(): Promise<string | null> {
    const found = await this.readAvailability();
    return found.kind === 'ready' ? null : found.fault;
  }

  /** Whether the engine answers and has the workers' image. Never rejects. */
  async readAvailability(): Promise<Availability> {
    try {
      await this.#engine.looks.ping();
      await this.#readMachine();
      await this.#engine.calls.getImage(this.#options.image).inspect();
      return { kind: 'ready' };
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'docker cannot start workers');
      return readFault(error, this.#options);
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#engine.close();
  }

  #container(name: string) {
    return this.#engine.calls.getContainer(name);
  }

  /** Makes the container, or finds that it is there and this server's own. */
  async #create(spec: LaunchSpec): Promise<void> {
    const { cpus, hostPath } = await this.#readMachine();
    const { instance } = this.#options;
    const { coordinator_dir, worker_dir, workspace_dir } = spec.mounts;
    const there: LaunchSpec = {
      ...spec,
      // The engine refuses more than it has.
      limits: { ...spec.limits, cpus: Math.min(spec.limits.cpus, cpus) },
      mounts: {
        coordinator_dir: hostPath(coordinator_dir),
        worker_dir: hostPath(worker_dir),
        workspace_dir: hostPath(workspace_dir),
      },
    };
    try {
      await this.#engine.calls.createContainer(containerOptions(there, { instance, owner: this.owner }));
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
      const container = await this.#container(spec.name).inspect();
      if (container.Config.Labels[INSTANCE_LABEL] === instance) return;
      this.#foreign.add(spec.name);
      throw new ErrandError('unavailable', `A container ${spec.name} of another server is in the way.`);
    }
  }

  /** What is known of the engine's machine, once it has answered. */
  #readMachine(): Promise<{ cpus: number; hostPath: HostPath }> {
    return (this.#machine ??= this.#askMachine().catch((error: unknown) => {
      this.#machine = undefined;
      throw error;
    }));
  }

  async #askMachine(): Promise<{ cpus: number; hostPath: HostPath }> {
    const { calls } = this.#engine;
    const [info, hostPath]: [{ NCPU: number; LiveRestoreEnabled: boolean }, HostPath] = await Promise.all([
      calls.info(),
      findHostPath(calls, this.#options.data_dir),
    ]);
    if (!info.LiveRestoreEnabled)
      this.#options.logger.warn(
        'Docker ends all containers when its daemon stops or is restarted, and errands at work lose their attempt then: set "live-restore": true in /etc/docker/daemon.json, and reload the daemon',
      );
    return { cpus: info.NCPU, hostPath };
  }

  async #readEnd(name: string, container: ContainerInspectInfo | undefined): Promise<WorkerEnd> {
    if (!container) return { exit_code: null, out_of_memory: false, output: '' };
    const { Status, ExitCode, OOMKilled } = container.State;
    return {
      exit_code: Status === 'created' ? null : ExitCode,
      // OOMKilled alone may mean a child of the worker's: the exit code comes first.
      out_of_memory: ExitCode === KILLED && OOMKilled,
      output: ExitCode === 0 ? '' : await this.#readOutput(name),
    };
  }

  async #readOutput(name: string): Promise<string> {
    try {
      const frames = await this.#container(name).logs({ stdout: true, stderr: true, tail: 50 });
      return textOf(frames).slice(-OUTPUT_CHARS_MAX);
    } catch {
      return '';
    }
  }

  async #removed(name: string): Promise<void> {
    const until = performance.now() + REMOVAL_MS;
    while (await ifThere(this.#container(name).inspect())) {
      if (performance.now() > until) throw new Error(`The container ${name} is still being removed.`);
      await delay(RETRY_FIRST_MS);
    }
  }

  #inWords(error: unknown): ErrandError {
    if (error instanceof ErrandError) return error;
    return new ErrandError('unavailable', readFault(error, this.#options).fault, { cause: error });
  }
}

/** The text of Docker's log frames: a head of 8 bytes (the stream, and the length of what follows), then the text. */
function textOf(frames: Buffer): string {
  let text = '';
  for (let at = 0; at + 8 <= frames.length;) {
    const end = at + 8 + frames.readUInt32BE(at + 4);
    text += frames.toString('utf8', at + 8, end);
    at = end;
  }
  return text;
}

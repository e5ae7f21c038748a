import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ErrandError } from '../../../protocol/problem.ts';
import { Backoff } from '../../base/retry.ts';
import { OWN_WORKER_IMAGE } from '../../base/settings.ts';
import type { Launcher, LaunchSpec } from '../local/launcher.ts';
import { OUTPUT_CHARS_MAX, type ImageState, type Isolation, type WorkerEnd } from '../runner.ts';
import { imageAvailability, readFault, type Availability } from './availability.ts';
import { checkImage, missingImage } from './check-image.ts';
import type { Container } from './client.ts';
import { KILLED, withEngineLost } from './engine-lost.ts';
import { unlessMissing, openEngine, statusOf, type Engine } from './engine.ts';
import type { Owner } from '../directories.ts';
import { findHostPath, type HostPath } from './host-paths.ts';
import { contractVersionOf } from './image-contract.ts';
import { imageVariables } from './image-variables.ts';
import { tryIsolation } from './canary.ts';
import { textOf } from './log-frames.ts';
import { writtenBytes } from '../written-bytes.ts';
import { ownerOutside } from './remapped-users.ts';
import { requireRuntime } from './runtime.ts';
import { containerOptions, INSTANCE_LABEL, type ContainerOptions } from './options.ts';

const WAIT_RETRY = { first_ms: 250, max_ms: 5_000 };
/** How long a removal that another call has begun may take. */
const REMOVAL_MS = 15_000;
const REMOVAL_POLL_MS = 250;
/** How many lines of a worker's last output are read. */
const OUTPUT_LINES = 50;

export type DockerLauncherOptions = {
  docker_host: string | undefined;
  image: string;
  /** The engine's runtime for workers, such as `runsc`. Absent: the engine's own choice. */
  runtime?: string | undefined;
  /** The id of this server, in the label of all its containers. */
  instance: string;
  data_dir: string;
  logger: Logger;
};

/** The engine's machine. `counts_all`: its control groups count every write, since they are those of version 2. */
type Machine = { cpus: number; kernel: string | null; hostPath: HostPath; counts_all: boolean };

/**
 * Starts workers as containers of a Docker engine. Every call has a time limit, and rejects if the engine does not
 * respond.
 */
export class DockerLauncher implements Launcher {
  readonly name = 'docker';
  readonly owner: Owner;
  /** The same user, as the containers know it. */
  readonly #user: Owner;
  readonly #options: DockerLauncherOptions;
  readonly #engine: Engine;
  readonly #closed = new AbortController();
  /** Names of another server's containers. They are never removed here. */
  readonly #foreign = new Set<string>();
  #machine: Promise<Machine> | undefined;

  /** Makes no call yet. */
  constructor(options: DockerLauncherOptions) {
    this.#options = options;
    this.#engine = openEngine(options.docker_host);
    const uid = process.getuid?.() ?? 0;
    // Never root. A coordinator that is not root cannot change the owner of a folder, so its workers run as the same
    // user.
    this.#user = uid === 0 ? { uid: 1000, gid: 1000 } : { uid, gid: process.getgid?.() ?? uid };
    this.owner = { ...this.#user };
  }

  async start(spec: LaunchSpec): Promise<void> {
    try {
      await this.#create(spec);
      await this.#engine.calls.startContainer(spec.name);
    } catch (error) {
      throw this.#toUnavailable(error, spec.image);
    }
  }

  async ended(name: string): Promise<WorkerEnd> {
    const { signal: closed } = this.#closed;
    const done = new AbortController();
    const end = await this.#awaitEnd(name, AbortSignal.any([closed, done.signal]));
    done.abort();
    return end === undefined || closed.aborted ? new Promise(() => undefined) : end;
  }

  async remove(name: string): Promise<void> {
    if (this.#foreign.has(name)) return;
    try {
      await unlessMissing(this.#engine.calls.removeContainer(name));
    } catch (error) {
      // 409: it is being removed already.
      if (statusOf(error) !== 409) throw error;
      await this.#waitUntilRemoved(name);
    }
  }

  async written(name: string): Promise<number | undefined> {
    const [by_group, container] = await Promise.all([
      unlessMissing(this.#engine.checks.readWritten(name)),
      unlessMissing(this.#engine.checks.inspectContainer(name)),
    ]);
    const pid = container?.State.Pid ?? 0;
    const by_process = pid > 0 ? await writtenBytes(pid) : undefined;
    const { counts_all } = await this.#readMachine();
    // Without that, a group that has counted nothing may have written through the page cache.
    const known = counts_all || (by_group ?? 0) > 0 ? [by_group, by_process] : [by_process];
    const counts = known.filter((count) => count !== undefined);
    return counts.length === 0 ? undefined : Math.max(...counts);
  }

  async list(): Promise<string[]> {
    return this.#engine.calls.listContainers(`${INSTANCE_LABEL}=${this.#options.instance}`);
  }

  async check(): Promise<string | null> {
    const found = await this.readAvailability();
    return found.kind === 'ready' ? null : found.fault;
  }

  /** Whether the engine responds and has a worker image that this server supports. Never rejects. */
  async readAvailability(): Promise<Availability> {
    try {
      const responds = this.#engine.checks.ping();
      const others = [this.#readMachine(), this.#engine.calls.inspectImage(this.#options.image)] as const;
      // They are asked at once, and the fault of the first one is told: without an engine the others mean nothing.
      for (const other of others) other.catch(() => undefined);
      await responds;
      const [machine, image] = others;
      await machine;
      return imageAvailability(this.#options.image, contractVersionOf(await image));
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'docker cannot start workers');
      return readFault(error, this.#options);
    }
  }

  checkImage(image: string): Promise<ImageState> {
    return checkImage(this.#engine, image);
  }

  async tryIsolation(spec: LaunchSpec, other_file: string, watch: AbortSignal): Promise<Isolation> {
    try {
      // First, so that no change is missed.
      const { changed } = await this.#engine.calls.watch(watch);
      // The facts about its machine may be others as well.
      changed.addEventListener('abort', () => (this.#machine = undefined));
      return { ...(await this.#runCanary(spec, other_file)), changed };
    } catch (error) {
      // Such as a runtime whose program is missing: the engine says so in words.
      throw statusOf(error) === undefined ? error : this.#toUnavailable(error);
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#engine.close();
  }

  async #runCanary(spec: LaunchSpec, other_file: string): Promise<Omit<Isolation, 'changed'>> {
    const options = await this.#optionsOf(spec);
    const { hostPath, kernel } = await this.#readMachine();
    // One canary for each server: one that was left by a process that died is found by its name.
    const canary = { name: `errand-canary-${this.#options.instance}`, image_with_node: OWN_WORKER_IMAGE, kernel };
    // Without the label, so that it is not taken for a worker.
    const files = [other_file, hostPath(other_file)];
    return tryIsolation(this.#engine, canary, { ...options, Labels: {} }, files);
  }

  /** Creates the container, unless it exists and belongs to this server. */
  async #create(spec: LaunchSpec): Promise<void> {
    const { instance } = this.#options;
    try {
      const variables = imageVariables(await this.#engine.calls.inspectImage(spec.image));
      await this.#engine.calls.createContainer(spec.name, await this.#optionsOf(spec, variables));
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
      const container = await this.#engine.calls.inspectContainer(spec.name);
      if (container.Config.Labels?.[INSTANCE_LABEL] === instance) return;
      this.#foreign.add(spec.name);
      throw new ErrandError('unavailable', `Another server has a container with the name ${spec.name}.`);
    }
  }

  async #optionsOf(spec: LaunchSpec, variables: readonly string[] = []): Promise<ContainerOptions> {
    const { cpus, hostPath } = await this.#readMachine();
    const { instance } = this.#options;
    const { coordinator_dir, worker_dir, workspace_dir } = spec.mounts;
    const engine_spec: LaunchSpec = {
      ...spec,
      // The engine refuses more CPUs than it has.
      limits: { ...spec.limits, cpus: Math.min(spec.limits.cpus, cpus) },
      mounts: {
        coordinator_dir: hostPath(coordinator_dir),
        worker_dir: hostPath(worker_dir),
        workspace_dir: hostPath(workspace_dir),
      },
    };
    return containerOptions(engine_spec, { instance, user: this.#user, runtime: this.#options.runtime }, variables);
  }

  /** Reads facts about the engine's machine, once until the engine changes. */
  #readMachine(): Promise<Machine> {
    return (this.#machine ??= this.#askMachine().catch((error: unknown) => {
      this.#machine = undefined;
      throw error;
    }));
  }

  async #askMachine(): Promise<Machine> {
    const { calls } = this.#engine;
    const [info, hostPath] = await Promise.all([calls.info(), findHostPath(calls, this.#options.data_dir)]);
    requireRuntime(info, this.#options.runtime);
    Object.assign(this.owner, ownerOutside(info, this.#user));
    if (!info.LiveRestoreEnabled)
      this.#options.logger.warn(
        'docker has no live-restore: a restart of its daemon kills running workers; set "live-restore": true in /etc/docker/daemon.json and reload the daemon',
      );
    const { NCPU: cpus, KernelVersion: kernel = null } = info;
    return { cpus, kernel, hostPath, counts_all: info.CgroupVersion === '2' };
  }

  /** Resolves with the worker's end; undefined: the signal has aborted. */
  async #awaitEnd(name: string, signal: AbortSignal): Promise<WorkerEnd | undefined> {
    const backoff = new Backoff(WAIT_RETRY);
    let engine: AbortSignal | undefined;
    // The engine under which it was seen to run.
    let seen: AbortSignal | undefined;
    while (!signal.aborted) {
      try {
        // First, so that no stop is missed: a new engine may answer the next call, and know how the worker ended.
        if (!engine || engine.aborted) engine = (await this.#engine.calls.watch(signal)).stopped;
        const container = await unlessMissing(this.#engine.calls.inspectContainer(name));
        if (!container?.State.Running) return await withEngineLost(await this.#readEnd(name, container), seen);
        seen = engine;
        // Ends with the watch: if that alone was cut, the worker still runs, and is not lost.
        await unlessMissing(this.#engine.waits.waitForContainer(name, engine));
        backoff.reset();
      } catch (error) {
        // The engine was restarted or hangs, its watch was cut, or the wait has reached its time limit: check again.
        this.#options.logger.debug({ worker: name, err: error }, 'waiting for a container failed; retrying');
        await backoff.wait(signal);
      }
    }
    return undefined;
  }

  async #readEnd(name: string, container: Container | undefined): Promise<WorkerEnd> {
    if (!container) return { exit_code: null, out_of_memory: false, output: '' };
    const { Status, ExitCode, OOMKilled } = container.State;
    return {
      exit_code: Status === 'created' ? null : ExitCode,
      // OOMKilled alone may mean a child process of the worker, so the exit code must match too.
      out_of_memory: ExitCode === KILLED && OOMKilled,
      output: await this.#readOutput(name),
    };
  }

  async #readOutput(name: string): Promise<string> {
    try {
      const frames = await this.#engine.calls.readLogs(name, OUTPUT_LINES);
      return textOf(frames).slice(-OUTPUT_CHARS_MAX);
    } catch {
      return '';
    }
  }

  async #waitUntilRemoved(name: string): Promise<void> {
    const until = performance.now() + REMOVAL_MS;
    while (await unlessMissing(this.#engine.calls.inspectContainer(name))) {
      if (performance.now() > until) throw new Error(`The container ${name} is still being removed.`);
      await delay(REMOVAL_POLL_MS);
    }
  }

  /** Makes an error for people. */
  #toUnavailable(error: unknown, image = this.#options.image): ErrandError {
    if (error instanceof ErrandError) return error;
    const { kind, fault } = readFault(error, this.#options);
    const is_further = kind === 'image_missing' && image !== this.#options.image;
    return new ErrandError('unavailable', is_further ? missingImage(image) : fault, { cause: error });
  }
}

import type { AttemptRow } from '../domain/task.ts';
import { AttemptRun, type AttemptDependencies } from './attempt.ts';
import type { Worker } from './runner.ts';
import type { MeasuredWorkspace } from './workspace-watch.ts';

type Active = { run: AttemptRun; done: Promise<void> };

/**
 * The attempts that this process watches, one per task. An attempt stays here until its worker is gone, even after
 * its end. Until then it occupies a slot, and its task gets no other attempt.
 */
export class Attempts {
  readonly #deps: AttemptDependencies;
  readonly #active = new Map<string, Active>();

  constructor(deps: AttemptDependencies) {
    const { log } = deps;
    this.#deps = {
      ...deps,
      onGone: (run) => {
        if (this.#active.get(run.task_id)?.run === run) this.#active.delete(run.task_id);
        deps.onGone(run);
      },
    };
    log.subscribe('attempt.ended', ({ task_id, attempt }) => this.#ended(task_id, attempt));
    log.subscribe('message.received', ({ task_id }) => this.#control(task_id));
    log.subscribe('message.changed', ({ task_id }) => this.#control(task_id));
    log.subscribe('task.cancel_requested', ({ task_id }) => this.#control(task_id));
  }

  /** How many slots are occupied. */
  get size(): number {
    return this.#active.size;
  }

  /** The tasks with an attempt here. */
  get task_ids(): string[] {
    return [...this.#active.keys()];
  }

  /** Whether the task has a worker that may still exist. It uses the workspace until it is gone. */
  has(task_id: string): boolean {
    return this.#active.has(task_id);
  }

  /** Whether one of the attempts has a worker of this name. */
  hasWorker(name: string): boolean {
    return this.#runs().some((run) => run.worker_name === name);
  }

  /**
   * Whether one of the attempts uses this workspace. Before its worker is open, that is the workspace with the worker's
   * name.
   */
  hasWorkspace(name: string): boolean {
    return this.#runs().some((run) => run.worker_name === name || run.workspace === name);
  }

  /** The workspaces to measure. */
  measured(): MeasuredWorkspace[] {
    return this.#runs().flatMap((run) => run.measured ?? []);
  }

  /** Starts an attempt whose row was just written. */
  start(attempt: AttemptRow, warm: Worker | undefined): void {
    this.#add(attempt, (run) => run.start(warm));
  }

  /** Adopts an active attempt that an earlier process started, or was about to start. */
  adopt(attempt: AttemptRow): void {
    const has_called = attempt.status === 'running' || attempt.last_seq > 0;
    this.#add(attempt, (run) => (has_called ? run.adopt() : run.start()));
  }

  /** Removes the worker of an attempt that has ended. Until it is gone, the task gets no other attempt. */
  cleanUp(attempt: AttemptRow): void {
    this.#add(attempt, (run) => run.cleanUp());
  }

  /** Leaves running workers to the next start of the server. Resolves once no worker is being started or removed. */
  async leave(): Promise<void> {
    const all = [...this.#active.values()];
    for (const { run } of all) run.leave();
    await Promise.all(all.map(({ done }) => done));
  }

  /** Stops watching every worker at once. */
  abandon(): void {
    for (const run of this.#runs()) run.abandon();
  }

  #add(attempt: AttemptRow, begin: (run: AttemptRun) => Promise<void>): void {
    const run = new AttemptRun(this.#deps, attempt);
    // Added before it begins, because an attempt that fails at once removes itself.
    const active: Active = { run, done: Promise.resolve() };
    this.#active.set(attempt.task_id, active);
    active.done = begin(run);
  }

  #control(task_id: string): void {
    this.#active.get(task_id)?.run.control();
  }

  #ended(task_id: string, attempt: number): void {
    const run = this.#active.get(task_id)?.run;
    if (run?.n === attempt) run.ended();
  }

  #runs(): AttemptRun[] {
    return [...this.#active.values()].map(({ run }) => run);
  }
}

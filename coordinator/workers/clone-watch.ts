import type { EventLog } from '../sqlite/event-log.ts';

/** How long a clone may take until the next worker is started beside it. */
const CLONE_MS_MAX = 5_000;

/**
 * Reports when a task that just got its worker has cloned its repository. Until then it needs the CPU most: somebody
 * watches it, and there is nothing to see yet.
 */
export class CloneWatch {
  readonly #cloning = new Map<string, NodeJS.Timeout>();
  readonly #onCloned: () => void;

  /** `onCloned`: called once for each task, when its clone is ready, its attempt has ended, or it takes too long. */
  constructor(log: EventLog, onCloned: () => void) {
    this.#onCloned = onCloned;
    log.subscribeToAll((rows) => {
      if (this.#cloning.size === 0) return;
      for (const { type, task_id } of rows)
        if (type === 'repository.ready' || type === 'attempt.ended') this.#end(task_id);
    });
  }

  /** The task has a worker now, which begins to clone. */
  begin(task_id: string): void {
    clearTimeout(this.#cloning.get(task_id));
    this.#cloning.set(task_id, setTimeout(() => this.#end(task_id), CLONE_MS_MAX).unref());
  }

  stop(): void {
    for (const timer of this.#cloning.values()) clearTimeout(timer);
    this.#cloning.clear();
  }

  #end(task_id: string): void {
    const timer = this.#cloning.get(task_id);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#cloning.delete(task_id);
    this.#onCloned();
  }
}

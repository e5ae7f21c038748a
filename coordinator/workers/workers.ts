import type { Isolation, Runner, Worker, WorkerLimits } from './runner.ts';

export type WorkersDependencies = { runner: Runner; image: string; limits: WorkerLimits };

/** Opens workers of the server's runner, with the image and limits of the settings. */
export class Workers {
  readonly runner: Runner;
  readonly #image: string;
  readonly #limits: WorkerLimits;

  constructor({ runner, image, limits }: WorkersDependencies) {
    this.runner = runner;
    this.#image = image;
    this.#limits = limits;
  }

  /** Tries whether workers are isolated, as `Runner.tryIsolation`; undefined if the runner has nothing to try. */
  async tryIsolation(watch: AbortSignal): Promise<Isolation | undefined> {
    return this.runner.tryIsolation?.(this.#image, this.#limits, watch);
  }

  /** Opens a worker of this name with this workspace, to start it or because it may be running already. */
  open(name: string, workspace: string): Promise<Worker> {
    const labels = { 'errand.worker': name };
    return this.runner.open({ name, image: this.#image, limits: this.#limits, workspace, labels });
  }
}

import type { Runner, Worker, WorkerLimits } from './runner.ts';

export type WorkersDependencies = { runner: Runner; image: string; limits: WorkerLimits };

/** Opens workers of this server's runner, with what the settings give each of them. */
export class Workers {
  readonly runner: Runner;
  readonly #image: string;
  readonly #limits: WorkerLimits;

  constructor({ runner, image, limits }: WorkersDependencies) {
    this.runner = runner;
    this.#image = image;
    this.#limits = limits;
  }

  /** A worker of this name, in this workspace: one to start, or one that may be running already. */
  open(name: string, workspace: string): Promise<Worker> {
    const labels = { 'errand.worker': name };
    return this.runner.open({ name, image: this.#image, limits: this.#limits, mounts: { workspace }, labels });
  }
}

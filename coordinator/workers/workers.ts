import { ImageUnusable } from './image-unusable.ts';
import type { ImageState, Isolation, Runner, Worker, WorkerLimits } from './runner.ts';

export type WorkersDependencies = {
  runner: Runner;
  /** The default image. */
  image: string;
  /** The further images, by the names that projects use. */
  images: ReadonlyMap<string, string>;
  limits: WorkerLimits;
};

/** Opens workers of the server's runner, with the images and limits of the settings. */
export class Workers {
  readonly runner: Runner;
  readonly images: ReadonlyMap<string, string>;
  readonly #image: string;
  readonly #limits: WorkerLimits;

  constructor({ runner, image, images, limits }: WorkersDependencies) {
    this.runner = runner;
    this.images = images;
    this.#image = image;
    this.#limits = limits;
  }

  /**
   * Tries whether workers are isolated, as `Runner.tryIsolation`; undefined if the runner has nothing to try. The image
   * does not decide that, so the default one stands for all.
   */
  async tryIsolation(watch: AbortSignal): Promise<Isolation | undefined> {
    return this.runner.tryIsolation?.(this.#image, this.#limits, watch);
  }

  /** How fit an image is, as `Runner.checkImage`; one is always fit for a runner that uses none. */
  async checkImage(image: string): Promise<ImageState> {
    return (await this.runner.checkImage?.(image)) ?? { kind: 'ready' };
  }

  /**
   * The reference of an image by its name; null: of the default. Rejects with `ImageUnusable` where no worker can have
   * it.
   */
  async findImage(name: string | null): Promise<string> {
    if (name === null) return this.#image;
    const image = this.images.get(name);
    if (image === undefined)
      throw new ImageUnusable(name, 'This server does not offer it any more: choose another one in the project.');
    // An engine that is slow or away is told of by the start of the worker, which gives it more time.
    const state = await this.checkImage(image).catch(() => undefined);
    if (state?.kind === 'unusable') throw new ImageUnusable(name, state.words);
    return image;
  }

  /**
   * Opens a worker of this name with this workspace, to start it or because it may be running already. `image`: of one
   * that is started, as `findImage` gives it; by default the default one.
   */
  open(name: string, workspace: string, image: string = this.#image): Promise<Worker> {
    const labels = { 'errand.worker': name };
    return this.runner.open({ name, image, limits: this.#limits, workspace, labels });
  }
}

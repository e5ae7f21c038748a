import type { Logger } from '../base/logger.ts';
import { Periodic } from '../base/periodic.ts';
import type { ImageState } from './runner.ts';
import type { Workers } from './workers.ts';

const EVERY_MS = 60_000;

/**
 * Checks regularly whether workers can have the images that projects may name. One that is missing stops only the
 * errands of its projects: the server starts, and the others go on.
 */
export class ImageWatch {
  readonly #workers: Workers;
  readonly #logger: Logger;
  readonly #say: (line: string) => void;
  readonly #periodic: Periodic;
  /** What is wrong with an image, by its name. */
  readonly #faults = new Map<string, Exclude<ImageState, { kind: 'ready' }>>();

  /** `say`: prints a line for the person at the terminal. */
  constructor(workers: Workers, logger: Logger, say: (line: string) => void) {
    this.#workers = workers;
    this.#logger = logger;
    this.#say = say;
    this.#periodic = new Periodic({
      every_ms: EVERY_MS,
      work: (signal) => this.#check(signal),
      onError: (error) => logger.debug({ err: error }, 'worker images could not be checked'),
    });
  }

  /** Resolves once all were checked for the first time, or could not be. Never rejects. */
  async start(): Promise<void> {
    if (this.#workers.images.size === 0) return;
    await this.#periodic.start();
    for (const [name, { words }] of this.#faults) this.#say(`The image '${name}' of ERRAND_WORKER_IMAGES: ${words}`);
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  /** Whether workers can have all images, for people; undefined: there are no further ones. */
  get outcome(): { ok: boolean; detail: string } | undefined {
    const { size } = this.#workers.images;
    if (size === 0) return undefined;
    const faults = [...this.#faults].filter(([, { kind }]) => kind === 'unusable');
    if (faults.length === 0) return { ok: true, detail: `${size} beside the default` };
    return { ok: false, detail: faults.map(([name, { words }]) => `${name}: ${words}`).join(' ') };
  }

  async #check(signal: AbortSignal): Promise<void> {
    // At once, so that an engine that is slow delays the start as little as for one.
    const checks = [...this.#workers.images].map(async ([name, image]) => [name, await this.#stateOf(image)] as const);
    for (const [name, state] of await Promise.all(checks)) {
      if (signal.aborted) return;
      if (!state) continue;
      const before = this.#faults.get(name);
      if (state.kind === 'ready') this.#faults.delete(name);
      else this.#faults.set(name, state);
      if (state.kind !== before?.kind) this.#tell(name, state, before);
    }
  }

  /** Undefined: that is not known now, so what was known of it still holds. */
  async #stateOf(image: string): Promise<ImageState | undefined> {
    try {
      return await this.#workers.checkImage(image);
    } catch (error) {
      this.#logger.debug({ err: error, image }, 'worker image could not be checked');
      return undefined;
    }
  }

  #tell(name: string, state: ImageState, before: ImageState | undefined): void {
    if (state.kind === 'unusable') this.#logger.warn({ image: name, why: state.words }, 'worker image unusable');
    else if (state.kind === 'outdated') this.#logger.warn({ image: name, why: state.words }, 'worker image outdated');
    else if (before) this.#logger.info({ image: name }, 'worker image usable again');
  }
}

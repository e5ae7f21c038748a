import type { TaskStatus } from '../../protocol/task.ts';
import type { Random } from '../support/random.ts';
import type { Scene } from './scene.ts';

/** A fault that is injected for a while. */
export type Fault = {
  /** Its name in the table. */
  name: string;
  /** The expected outcome, for the table. The invariants are checked after every run. */
  outcome: string;
  /** The statuses in which errands may end. By default they succeed. */
  ends?: TaskStatus[];
  /** Why it cannot be injected on this machine; undefined: it can. */
  whyNot?: () => Promise<string | undefined>;
  /** Runs before the coordinator starts. */
  prepare?: (scene: Scene, random: Random) => Promise<void> | void;
  /**
   * Injects it, and resolves when it is over. False: it did not happen, such as because the errands had ended before.
   */
  inject: (scene: Scene, random: Random) => Promise<boolean>;
};

const TRIES_MAX = 50;

/**
 * Injects a fault at a random moment, and again later where it did not happen: `act` resolves with false, or rejects
 * because its target has just gone.
 */
export const insisting =
  (act: Fault['inject']): Fault['inject'] =>
  async (scene, random) => {
    for (let tries = 0; tries < TRIES_MAX && (await scene.moment(random)); tries++)
      if (await act(scene, random).catch(() => false)) return true;
    return false;
  };

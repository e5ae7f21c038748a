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
  /** Injects it, and resolves when it is over. False: the errands had ended before. */
  inject: (scene: Scene, random: Random) => Promise<boolean>;
};

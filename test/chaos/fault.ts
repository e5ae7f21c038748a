import type { TaskStatus } from '../../protocol/task.ts';
import type { Random } from '../support/random.ts';
import type { Scene } from './scene.ts';

/** Something that goes wrong, and is over after a while. */
export type Fault = {
  /** A row of the table. */
  name: string;
  /** What must come of it, in the table's words. That nothing is lost and nothing left behind is checked after every run. */
  outcome: string;
  /** How errands may end under it. By default they succeed. */
  ends?: TaskStatus[];
  /** Why it cannot be brought about on this machine; undefined where it can. */
  whyNot?: () => Promise<string | undefined>;
  /** What must be in place before the coordinator starts. */
  prepare?: (scene: Scene, random: Random) => Promise<void> | void;
  /** Brings it about, and resolves once it is over: with false where the errands ended before it came to it. */
  inject: (scene: Scene, random: Random) => Promise<boolean>;
};

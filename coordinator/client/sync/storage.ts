import type { LogEvent } from '../../../protocol/events.ts';
import type { Task } from '../../../protocol/task.ts';

/** What a client knows of its server. It is stored as one: the tasks and events are those up to the cursor. */
type Known = {
  /** The id of the newest event that the tasks contain. */
  cursor: number;
  /** The epoch of the server's database. With another one everything else is void. */
  epoch: string;
  /**
   * Where the list of the older errands goes on that are not known; null: all are. Undefined: an older app stored
   * this.
   */
  older?: string | null | undefined;
  tasks: readonly Task[];
};

/** A change of what is known, to be stored in one transaction. */
export type Change = {
  cursor?: number;
  epoch?: string;
  older?: string | null;
  tasks?: readonly Task[];
  /** Errands that were deleted: nothing of them stays. */
  deleted?: readonly string[];
  /** Errands that are not in the list any more, with their logs. */
  removed?: readonly string[];
  /** Errands that are open, of which nothing but the log is known any more. */
  unlisted?: readonly string[];
  /** The log of this errand is void: what is stored of it does not join what comes. */
  log_restarts?: string;
  events?: readonly LogEvent[];
  /**
   * The id of the event that `events` are next to. They are stored only if it is: another window may have removed
   * the log.
   */
  beside?: number;
  /** The log of the server went back: this takes the place of what is stored, though that looks newer. */
  went_back?: boolean;
  /** First forgets everything that was known. */
  forget?: boolean;
};

/** Keeps what is known on the device, so that a start needs no network. */
export type MirrorStorage = {
  /** Resolves with undefined if nothing is stored. */
  load: () => Promise<Known | undefined>;
  /**
   * The last `count` stored events of an errand, or of those before the id `before`; oldest first. What is stored of a
   * log has no gaps, but it may begin late and end early.
   */
  loadEvents: (task_id: string, count: number, before?: number) => Promise<LogEvent[]>;
  save: (change: Change) => Promise<void>;
};

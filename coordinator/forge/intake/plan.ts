import type { Logger } from '../../base/logger.ts';
import type { ThreadPool } from '../../base/threads.ts';
import type { EventLog, Tx } from '../../sqlite/event-log.ts';
import type { TaskDefaults } from '../../tasks/task-commands.ts';
import type { ForgeAccess } from '../forge-access.ts';

/** What follows from a delivery, to be done in the transaction that marks it as handled. */
export type Effect = (tx: Tx) => void;

export type PlanParts = TaskDefaults & {
  log: EventLog;
  access: ForgeAccess;
  /** The person of this server who has linked this account. `subject`: the forge's id of the account. */
  personAt: (origin: string, subject: string) => string | undefined;
  /** Where the app shows a task; null: the server does not know its own address. */
  link: (task_id: string) => string | null;
  /** Reads large deliveries, and logs. */
  threads: ThreadPool;
  logger: Logger;
};

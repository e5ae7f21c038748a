import type { AuditAction } from '../../protocol/audit.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { Rate } from '../base/rate.ts';
import type { Redactor } from '../base/redactor.ts';
import type { Logger } from '../base/logger.ts';
import { attemptKey } from '../domain/attempt-key.ts';
import { appendAudit } from '../sqlite/audit.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Caller } from './caller.ts';

/** The attempt that did something, and whose it is. */
type Actor = Pick<Caller, 'task_id' | 'user_id' | 'attempt'>;

/** Records what an attempt did. Does not throw. */
export type NoteUse = (attempt: Actor, action: AuditAction, detail: Record<string, unknown>) => void;

/** The different facts of one attempt that are recorded. A worker cannot fill the log. */
const FACTS_MAX = 1_000;
const DAY_MS = 24 * 3600_000;

type WorkerAuditDependencies = {
  log: EventLog;
  redactorOf: (task_id: string) => Redactor | undefined;
  logger: Logger;
};

/**
 * Records in the audit log what workers did for their users: each fact once per attempt, since a worker asks for the
 * same host again and again.
 */
export class WorkerAudit {
  readonly #log: EventLog;
  readonly #redactorOf: WorkerAuditDependencies['redactorOf'];
  readonly #logger: Logger;
  /** What was recorded, by attempt. */
  readonly #noted = new Map<string, Set<string>>();
  /** By user and action: many attempts must not push the entries of others out, nor hosts their user's pushes. */
  readonly #rate = new Rate(LIMITS.audited_facts_per_day_max, 'Too many facts to record.', Date.now, DAY_MS);

  constructor({ log, redactorOf, logger }: WorkerAuditDependencies) {
    this.#log = log;
    this.#redactorOf = redactorOf;
    this.#logger = logger;
    log.subscribe('attempt.ended', (ended) => this.#noted.delete(attemptKey(ended)));
  }

  note({ task_id, user_id, attempt }: Actor, action: AuditAction, facts: Record<string, unknown>): void {
    const detail = this.#redactorOf(task_id)?.redactValue(facts) ?? facts;
    const key = attemptKey({ task_id, attempt });
    const noted = this.#noted.get(key) ?? new Set();
    const fact = JSON.stringify([action, detail]);
    if (noted.has(fact) || noted.size >= FACTS_MAX) return;
    this.#noted.set(key, noted.add(fact));
    try {
      this.#rate.take(`${user_id} ${action}`);
    } catch {
      this.#logger.warn({ task_id, user_id, action }, 'audit entry not stored: too many in a day');
      return;
    }
    const last = noted.size === FACTS_MAX && { more: 'is not recorded' };
    const entry = { action, user_id, subject: task_id, detail: { ...detail, attempt, ...last } };
    this.#log
      .enqueue((tx) => appendAudit(tx.db, entry))
      .catch((err: unknown) => this.#logger.error({ err, task_id, action }, 'audit entry not stored'));
  }
}

import { z } from 'zod';
import { NumberedEvent } from '../../protocol/events.ts';
import { ResultPost } from '../../protocol/worker-schemas.ts';
import type { Keys } from '../base/keys.ts';
import type { Secret } from '../../protocol/secrets/secret-forms.ts';
import { Redactor } from '../base/redactor.ts';
import { seal, unseal } from '../base/seal.ts';
import type { Db } from '../sqlite/database.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { TaskRow } from '../domain/task.ts';
import { deleteHandedSecrets, findHandedSecrets, putHandedSecrets } from '../sqlite/handed-secrets.ts';
import { listTaskRepositories } from '../sqlite/task-repositories.ts';
import { findTask } from '../sqlite/tasks.ts';
import { readTaskSecrets, SecretsUnreadable, type ProjectSecrets } from './secrets.ts';

/** The tasks whose secrets are kept in memory. Those of others are read again when they are needed. */
const TASKS_MAX = 1_000;

const Handed = z.array(z.object({ name: z.string(), value: z.string() }));

/**
 * What to redact from the output of a task's workers: the secrets of its project that were handed to them, so also
 * those that the project has no longer. They are stored, sealed, until the attempt has ended: a restart does not change
 * what a worker has.
 */
export class TaskRedaction {
  readonly #log: EventLog;
  readonly #db: Db;
  readonly #keys: Keys;
  readonly #secrets = new Map<string, Secret[]>();
  /** Of tasks at work: it takes more memory than the secrets, and can be made again. */
  readonly #redactors = new Map<string, Redactor | undefined>();

  constructor(log: EventLog, keys: Keys) {
    this.#log = log;
    this.#db = log.db;
    this.#keys = keys;
    log.subscribe('attempt.ended', ({ task_id }) => {
      this.#redactors.delete(task_id);
      if (findHandedSecrets(log.db, task_id) === undefined) return;
      // On a full disk they stay until the next attempt has ended, or the task is deleted.
      log.enqueue(({ db }) => deleteHandedSecrets(db, task_id)).catch(() => undefined);
    });
  }

  /** Undefined: the task has no secret that can be redacted. */
  redactorOf(task_id: string): Redactor | undefined {
    if (!this.#redactors.has(task_id)) {
      const secrets = this.#secrets.get(task_id) ?? this.#keep(task_id, this.#all(task_id));
      this.#redactors.set(task_id, Redactor.of(secrets.filter(({ value }) => !isProtocolWord(value))));
    }
    return this.#redactors.get(task_id);
  }

  /** Call it before a worker gets the secrets that the project has now. Throws if the disk is full. */
  handOver(task_id: string): void {
    const all = this.#all(task_id);
    const text = JSON.stringify(all);
    if (all.length > 0 && text !== JSON.stringify(this.#handed(task_id)))
      this.#log.write(({ db }) => putHandedSecrets(db, task_id, seal(this.#keys, text, context(task_id))));
    this.#keep(task_id, all);
  }

  /** Redacts a text of the task's worker. */
  redact(task_id: string, text: string): string {
    return this.redactorOf(task_id)?.redact(text) ?? text;
  }

  /** The secrets that the project has now, and those that workers of the task were handed before. */
  #all(task_id: string): Secret[] {
    const now = this.#read(task_id);
    const before = this.#secrets.get(task_id) ?? this.#handed(task_id);
    return [...now, ...before.filter((old) => !now.some((each) => each.value === old.value))];
  }

  /** What is stored. Nothing, if it was sealed with other keys. */
  #handed(task_id: string): Secret[] {
    const sealed = findHandedSecrets(this.#db, task_id);
    if (sealed === undefined) return [];
    try {
      return Handed.parse(JSON.parse(unseal(this.#keys, sealed, context(task_id))));
    } catch {
      return [];
    }
  }

  #keep(task_id: string, secrets: Secret[]): Secret[] {
    this.#redactors.delete(task_id);
    this.#secrets.delete(task_id);
    this.#secrets.set(task_id, secrets);
    const [oldest] = this.#secrets.keys();
    if (this.#secrets.size > TASKS_MAX && oldest !== undefined) this.#forget(oldest);
    return secrets;
  }

  #forget(task_id: string): void {
    this.#secrets.delete(task_id);
    this.#redactors.delete(task_id);
  }

  #read(task_id: string): Secret[] {
    const task = findTask(this.#db, task_id);
    if (!task) return [];
    const secrets = Object.entries(this.#open(task).env).map(([name, value]) => ({ name, value }));
    const tokens = [task, ...listTaskRepositories(this.#db, task_id)].map((each) => this.#open(each).git_token);
    return [...secrets, ...tokens.flatMap((value) => (value === null ? [] : [{ name: 'git_token', value }]))];
  }

  #open(repository: Pick<TaskRow, 'project_id' | 'repo_url'>): Pick<ProjectSecrets, 'env' | 'git_token'> {
    try {
      return readTaskSecrets(this.#db, this.#keys, repository);
    } catch (error) {
      // No worker was given them either.
      if (error instanceof SecretsUnreadable) return { env: {}, git_token: null };
      throw error;
    }
  }
}

const context = (task_id: string): string => `handed:${task_id}`;

let words: string | undefined;

/** Whether a value is a name of the worker contract. To redact it would break every callback, and hide nothing. */
function isProtocolWord(value: string): boolean {
  words ??= JSON.stringify(z.toJSONSchema(z.object({ NumberedEvent, ResultPost }), { io: 'input' }));
  return words.includes(value);
}

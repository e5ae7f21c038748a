import { z } from 'zod';
import { NumberedEvent } from '../../protocol/events.ts';
import { ResultPost } from '../../protocol/worker-schemas.ts';
import type { Keys } from '../base/keys.ts';
import { Redactor, type Secret } from '../base/redactor.ts';
import type { Db } from '../sqlite/database.ts';
import type { TaskRow } from '../domain/task.ts';
import { listTaskRepositories } from '../sqlite/task-repositories.ts';
import { findTask } from '../sqlite/tasks.ts';
import { readTaskSecrets, SecretsUnreadable, type ProjectSecrets } from './secrets.ts';

/** The tasks whose secrets are kept in memory. Those of others are read again when they are needed. */
const TASKS_MAX = 1_000;

type Known = { secrets: Secret[]; redactor: Redactor | undefined };

/**
 * What to redact from the output of a task's workers: the secrets of its project that were handed to them since the
 * server started, so also those that the project has no longer.
 */
export class TaskRedaction {
  readonly #db: Db;
  readonly #keys: Keys;
  readonly #known = new Map<string, Known>();

  constructor(db: Db, keys: Keys) {
    this.#db = db;
    this.#keys = keys;
  }

  /** Undefined: the task has no secret that can be redacted. */
  readonly redactorOf = (task_id: string): Redactor | undefined =>
    (this.#known.get(task_id) ?? this.#keep(task_id, this.#read(task_id))).redactor;

  /** Call it before a worker gets the secrets that the project has now. */
  readonly handOver = (task_id: string): void => {
    const known = this.#known.get(task_id);
    const now = this.#read(task_id);
    const before = known?.secrets.filter((old) => !now.some((each) => each.value === old.value)) ?? [];
    if (!known || before.length !== known.secrets.length || now.length > 0) this.#keep(task_id, [...now, ...before]);
  };

  /** Redacts a text of the task's worker. */
  readonly redact = (task_id: string, text: string): string => this.redactorOf(task_id)?.redact(text) ?? text;

  #keep(task_id: string, secrets: Secret[]): Known {
    const known = { secrets, redactor: Redactor.of(secrets.filter(({ value }) => !isProtocolWord(value))) };
    this.#known.delete(task_id);
    this.#known.set(task_id, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > TASKS_MAX && oldest !== undefined) this.#known.delete(oldest);
    return known;
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

let words: string | undefined;

/** Whether a value is a name of the worker contract. To redact it would break every callback, and hide nothing. */
function isProtocolWord(value: string): boolean {
  words ??= JSON.stringify(z.toJSONSchema(z.object({ NumberedEvent, ResultPost }), { io: 'input' }));
  return words.includes(value);
}

import { LIMITS } from '../protocol/limits.ts';
import type { WorkerEvent } from '../protocol/events.ts';
import type { RepositoryResult } from '../protocol/repositories.ts';
import type { Assignment } from '../protocol/worker-schemas.ts';
import { AttemptFailure } from './base/failure.ts';
import type { Review } from './base/work.ts';
import { cutDiff } from './git/diff.ts';
import { NOTHING_PUBLISHED, type Published } from './git/publisher.ts';
import type { Remote } from './git/remote.ts';
import { TaskClone, type CloneOptions } from './task-clone.ts';

type Options = Omit<CloneOptions, 'remote' | 'key'> & {
  /** How git reaches a repository; null: the first. */
  remoteOf: (key: string | null, repo_url: string) => Remote;
  /** Called with each clone as soon as it is ready. */
  onReady: (clone: TaskClone) => Promise<void>;
};

/**
 * What became of the work in one repository. `error`: why it, or the newest of it, is not on the forge; null: it is.
 */
type Finished = { clone: TaskClone; published: Omit<Published, 'problem' | 'remarks'>; error: unknown };

/**
 * The repositories of an attempt, the first one first. What fails in one does not keep the others from being pushed.
 */
export class TaskClones {
  readonly first: TaskClone;
  readonly others: readonly TaskClone[];
  /** Whether the newest review found no change. */
  #is_unchanged = false;

  private constructor(first: TaskClone, others: TaskClone[]) {
    this.first = first;
    this.others = others;
  }

  get all(): readonly TaskClone[] {
    return [this.first, ...this.others];
  }

  /** How the workspace differs from what the transcript says, for the model; null if it does not. */
  get note(): string | null {
    const notes = this.all.flatMap((clone) => {
      const { note } = clone.prepared;
      return note === null ? [] : [`${clone.intro}${note}`];
    });
    return notes.length === 0 ? null : notes.join('\n\n');
  }

  /** Prepares one after the other. Throws `AttemptFailure`, which names the repository where there are several. */
  static async prepare({ remoteOf, onReady, ...options }: Options, signal: AbortSignal): Promise<TaskClones> {
    const { assignment } = options;
    const all: TaskClone[] = [];
    for (const [key, own] of assignmentsOf(assignment)) {
      const prepared = TaskClone.prepare(
        { ...options, key, assignment: own, remote: remoteOf(key, own.repo_url) },
        signal,
      );
      const clone = await prepared.catch((error: unknown) => {
        throw assignment.repositories === undefined ? error : named(error, own.repo_url);
      });
      await onReady(clone);
      all.push(clone);
    }
    const [first, ...others] = all;
    if (!first) throw new Error('An assignment has a repository.');
    return new TaskClones(first, others);
  }

  async observe(event: WorkerEvent): Promise<void> {
    for (const clone of this.all) await clone.observe(event);
  }

  /** Pushes work in progress. Rejects with the first failure, after all were tried. */
  async checkpoint(signal: AbortSignal): Promise<void> {
    await this.#each(async (clone) => {
      await clone.checkpoint(signal);
      return null;
    });
  }

  /** As `TaskClone.review`, for all of them. The text says which repository it is about. */
  async review(signal: AbortSignal): Promise<Review> {
    let [is_unchanged, has_problem] = [true, false];
    const text = await this.#textOfEach(async (clone) => {
      const review = await clone.review(signal);
      is_unchanged &&= review.is_unchanged;
      has_problem ||= review.has_problem;
      return review.text;
    });
    this.#is_unchanged = is_unchanged;
    return { is_unchanged, has_problem, text };
  }

  /** As `TaskClone.deliver`, for all of them. The text says which repository it is about. */
  deliver(signal: AbortSignal, message: string, is_partial_ok = false): Promise<string | null> {
    return this.#textOfEach((clone) => clone.deliver(signal, message, is_partial_ok));
  }

  /**
   * The last push of the attempt in each repository, with the diffs, which have to fit into one result. Where finished
   * work was found unchanged, nothing is pushed: what was written since, as by a command in the background, is not
   * verified.
   */
  async finish(signal: AbortSignal, message: string, options: { wip: boolean }): Promise<Finished[]> {
    const nothing = { ...NOTHING_PUBLISHED, held_commit: null };
    if (this.#is_unchanged && !options.wip)
      return this.all.map((clone) => ({ clone, published: nothing, error: null }));
    const finished: Finished[] = [];
    let room = LIMITS.diff_bytes_max;
    for (const clone of this.all) {
      try {
        const { problem, remarks: _, ...published } = await clone.finish(signal, message, options);
        const cut = cutDiff(published, room);
        room -= Buffer.byteLength(cut.diff);
        finished.push({ clone, published: { ...published, ...cut }, error: this.#named(problem, clone) });
      } catch (error) {
        signal.throwIfAborted();
        finished.push({ clone, published: nothing, error: this.#named(error, clone) });
      }
    }
    return finished;
  }

  async #textOfEach(act: (clone: TaskClone) => Promise<string | null>): Promise<string | null> {
    const texts = await this.#each(async (clone) => {
      const text = await act(clone);
      return text === null ? null : `${clone.intro}${text}`;
    });
    return texts.length === 0 ? null : texts.join('\n\n');
  }

  async #each<T>(act: (clone: TaskClone) => Promise<T | null>): Promise<T[]> {
    const results: T[] = [];
    const errors: unknown[] = [];
    for (const clone of this.all) {
      const result = await act(clone).catch((error: unknown) => void errors.push(this.#named(error, clone)));
      if (result !== undefined && result !== null) results.push(result);
    }
    if (errors.length > 0) throw errors[0];
    return results;
  }

  #named(error: unknown, { repo_url }: TaskClone): unknown {
    return this.others.length === 0 ? error : named(error, repo_url);
  }
}

/** What the result says of a further repository. */
export function repositoryResult({ clone, published }: Finished): RepositoryResult {
  const { branch, commit, diff_stat, diff, diff_truncated, held_commit } = published;
  const { base_commit } = clone.prepared;
  const held = held_commit === null ? {} : { held_commit };
  return { key: clone.key ?? '', branch, commit, base_commit, diff_stat, diff, diff_truncated, ...held };
}

/** The assignment as it is for each repository, by its key; null: the first. */
function assignmentsOf(assignment: Assignment): [key: string | null, Assignment][] {
  const { repositories = [], work_branch: _branch, approved_commit: _commit, ...shared } = assignment;
  const others = repositories.map(({ key, ...own }): [string, Assignment] => [key, { ...shared, ...own }]);
  return [[null, assignment], ...others];
}

/** The failure with the repository's address before its message. */
function named(error: unknown, repo_url: string): unknown {
  if (!(error instanceof AttemptFailure) || error.message.includes(repo_url)) return error;
  return new AttemptFailure(error.reason, `${repo_url}: ${error.message}`, error, error.retry_at);
}

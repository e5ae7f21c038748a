import type { WorkerEvent, Delta } from '../../protocol/events.ts';
import type { FailureReason } from '../../protocol/task.ts';
import type { WorkerWait } from '../../protocol/worker-wait.ts';
import type { Assignment, Message } from '../../protocol/worker-schemas.ts';

/*
 * The boundary inside the worker. On one side `loop/`, which does the work: setup, model, tools, verify. On the other
 * the root, which clones, pushes and reports: it calls `work` with a `WorkInput` and turns the `WorkResult` into the
 * result of the attempt.
 */

/** Where the work reports its progress. */
export type ProgressReporter = {
  /** Numbers the event and stores it in the spool. Resolves once it is stored; waits while the spool is full. */
  emit: (event: WorkerEvent) => Promise<void>;
  /** Sends a piece of text to the clients that watch. Under back-pressure it is dropped. */
  delta: (delta: Delta) => void;
  /** Sets what the work waits for; null: nothing. */
  waitingFor: (waiting: WorkerWait | null) => void;
  /** Says that the model or command waited for is alive although there is no text to send. A delta implies it. */
  activity: () => void;
};

/** The messages that people send to the task, in order. */
export type MessageSource = {
  /**
   * Takes the messages that are to be heard now: all of them once the turn is over, else without those that wait for
   * its end. Each is given once, as it is at this moment.
   */
  take: (turn_is_over: boolean) => Promise<Message[]>;
  /** Whether there are messages to take before the end of the turn. From then on they stay as they are. */
  areWaiting: () => Promise<boolean>;
  /**
   * Resolves when there seems to be a message to take before the end of the turn: it is not taken yet, so it may change
   * and be withdrawn. Rejects when the signal aborts, and only then.
   */
  queued: (signal: AbortSignal) => Promise<void>;
  /** Resolves when there is such a message of a person, and no withdrawn one. Rejects when the signal aborts. */
  arrived: (signal: AbortSignal) => Promise<void>;
};

/**
 * Writes an attachment of the task to a path, in the place of whatever is there. Rejects if the coordinator does not
 * have it, or does not answer.
 */
export type FetchAttachment = (id: string, path: string, signal: AbortSignal) => Promise<void>;

/** A repository of the task beside its first one. */
export type OtherRepository = {
  /** The clone, on `branch`, which starts at `base_branch`. */
  dir: string;
  repo_url: string;
  branch: string;
  base_branch: string;
  /** What a complete clone would have and this one does not: sentences for the model. */
  facts: string[];
};

export type WorkInput = {
  assignment: Assignment;
  /** The first repository, on the task's branch. Commands start here. File tools stay in the repositories. */
  repo_dir: string;
  others: OtherRepository[];
  /** A directory beside the repository for long outputs. The model can read it. */
  scratch_dir: string;
  /** What else the file tools may read: HOME and TMPDIR of the commands, which only they write. */
  read_dirs: string[];
  /** The environment of commands: proxy settings, HOME, the project's `env`. It holds no task token. */
  command_env: Record<string, string>;
  /** How to reach the Claude API through the coordinator. */
  model: { base_url: string; token: () => string; fetch: typeof globalThis.fetch };
  report: ProgressReporter;
  messages: MessageSource;
  fetchAttachment: FetchAttachment;
  /** Aborts on a cancel, or when the attempt is lost. Commands and the model's stream end at once. */
  signal: AbortSignal;
  /** What a complete clone would have and this one does not: sentences for the model. */
  clone_facts: string[];
  /** How the workspace differs from what the transcript says, for the model; null if it does not. */
  workspace_note: string | null;
  /**
   * Commits and pushes everything as work in progress; the work may go on meanwhile. Never throws. `ended` aborts: it
   * need not be pushed any more.
   */
  checkpoint: (ended?: AbortSignal) => Promise<void>;
  /** Looks at the finished work without a push, so that the model can act before the work is verified. */
  review: () => Promise<Review>;
  /**
   * Commits and pushes the finished work with this message. Null: done. Otherwise a text for the model that says what
   * is in the way, or what is left out: it may act, and then end again. Rejects with `AttemptFailure` where that
   * would not help. Work that does not call it is pushed after its end. `is_partial_ok`: what the commit leaves out
   * does not keep the rest from being pushed.
   */
  deliver: (commit_message: string, is_partial_ok?: boolean) => Promise<string | null>;
};

/**
 * The finished work as a push would meet it. `is_unchanged`: there is nothing to push, and no push was begun.
 * `has_problem`: it would be refused. `text`: for the model, what is in the way or left out; null: nothing that it was
 * not told.
 */
export type Review = { is_unchanged: boolean; has_problem: boolean; text: string | null };

/** How the work ended. The root commits, pushes and reports in each case. */
export type WorkResult = {
  /** `parked`: a question is open, and the next attempt continues with its answer. */
  status: 'succeeded' | 'failed' | 'cancelled' | 'parked';
  reason: FailureReason | null;
  detail: string | null;
  /** When the service that failed takes requests again, as it said itself. */
  retry_at?: string | null;
  /** For the user: what was done, in the model's own closing words if there are any. */
  summary: string;
  /** Subject and body of the commit. */
  commit_message: string;
};

export type Work = (input: WorkInput) => Promise<WorkResult>;

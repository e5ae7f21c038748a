import type { WorkerEvent, Delta } from '../../protocol/events.ts';
import type { FailureReason, WaitingFor } from '../../protocol/task.ts';
import type { Assignment, Message } from '../../protocol/worker.ts';

/*
 * The seam of the worker. On one side the shell: the HTTP server, the reporter and its spool, the clone and the push. On the other the work itself:
 * setup, the loop, its tools, verify. The shell hands `WorkInput` to `work`, and makes the result of what comes back.
 */

/** Where the work reports to. */
export type Report = {
  /** Numbers the event and puts it in the spool; resolves when it is there. It waits where the spool is full. */
  emit: (event: WorkerEvent) => Promise<void>;
  /** Sends a piece of text on its way, or drops it. */
  delta: (delta: Delta) => void;
  /** Says what the work waits for now; null: for nothing. */
  waitingFor: (waiting: WaitingFor | null) => void;
  /** Something came of what the work waits for, though there is no text to send: it is not silent. A delta says so by itself. */
  heard: () => void;
};

/** What people say to the task, in order. */
export type Inbox = {
  /** Takes all messages that are there. Each is taken once. */
  take: () => Message[];
  /** Resolves when there is a message to take; rejects when the signal aborts. */
  arrived: (signal: AbortSignal) => Promise<void>;
};

export type WorkInput = {
  assignment: Assignment;
  /** The clone, on the task's branch. Commands start here; file tools stay in here. */
  repo_dir: string;
  /** A folder beside the repository for long outputs and the like; the model can read it. */
  scratch_dir: string;
  /** The environment of commands: proxy settings, HOME, the project's `env`. No token of ours. */
  command_env: Record<string, string>;
  /** Where the Claude API is carried on, and how to get there. */
  model: { base_url: string; token: () => string; fetch: typeof globalThis.fetch };
  report: Report;
  inbox: Inbox;
  /** Aborts at a cancel, or when the attempt was given up. Commands and the model's stream end at once. */
  signal: AbortSignal;
  /** Commits all that is there and pushes it as work in progress, now and then during a long run. Never throws. */
  checkpoint: () => Promise<void>;
};

/** How the work ended; the shell commits, pushes and reports in each case. */
export type WorkEnd = {
  status: 'succeeded' | 'failed' | 'cancelled';
  reason: FailureReason | null;
  detail: string | null;
  /** For the person: what was done, in the model's own closing words where there are any. */
  summary: string;
  /** The subject and body for the commit. */
  commit_message: string;
};

export type Work = (input: WorkInput) => Promise<WorkEnd>;

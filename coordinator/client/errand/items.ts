import type { Attachment } from '../../../protocol/attachments.ts';
import type { ThreadProblem } from '../../../protocol/coordinator-events.ts';
import type { Need, NeedAnswer } from '../../../protocol/needs.ts';
import type { PullRequest } from '../../../protocol/pulls.ts';
import type { Effort, FailureReason, Hear, TaskStatus } from '../../../protocol/task.ts';

/*
 * What a conversation consists of: the rows that a client shows for the log of one errand. A row is never changed, only
 * replaced by another with the same `key`, so a client can tell by identity what to draw again.
 */

type Row = {
  /** Unique in its errand, and the same for as long as the row exists. */
  key: string;
  /** When it began: ISO 8601. */
  at: string;
  /** The ids of the events whose long texts it shows cut. */
  cut?: readonly number[] | undefined;
};

/** A text of the model, in Markdown. */
type SaidItem = Row & { kind: 'said'; text: string };
/** What the model thought before it answered. */
type ThinkingItem = Row & { kind: 'thinking'; text: string };

/** A piece of a tool's result. */
export type Block = { type: string; [key: string]: unknown };

/** A call of a tool. `output`: its result as text. `pictures`: those in it, not whole while the row is cut. */
export type ToolItem = Row & {
  kind: 'tool';
  name: string;
  input: unknown;
  state: 'running' | 'done' | 'failed';
  output: string;
  pictures: readonly Block[];
  exit_code: number | null | undefined;
  duration_ms: number | null;
};

/** What a person said. `message_id` is null for the prompt. */
export type PersonItem = Row & {
  kind: 'person';
  message_id: string | null;
  text: string;
  heard_at: string | null;
  hear: Hear;
  /** Counts the changes of the message, from 1. */
  revision: number;
  attachments: readonly Attachment[];
};

/** A question of the agent. */
export type QuestionItem = Row & {
  kind: 'question';
  question: string;
  until: string | null;
  state: 'open' | 'answered' | 'unanswered';
};

/** A command of the project: its setup, or what verifies the work. */
export type CommandItem = Row & {
  kind: 'command';
  step: 'setup' | 'verify';
  command: string;
  passed: boolean;
  exit_code: number | null;
  output: string;
  duration_ms: number;
};

/** What happened to a pull request. */
type PullHappened = 'opened' | 'reopened' | 'merged' | 'closed' | 'not_opened' | 'checks_failed';

/** One line about what happened. */
export type Note =
  | { what: 'attempt'; n: number }
  | { what: 'attempt_over'; reason: FailureReason | null; detail: string | null; retry_at: string }
  | { what: 'retried'; reason: string; retry_at: string }
  | { what: 'shortened' }
  | { what: 'limit'; limit: 'turns' | 'budget' | 'time' | 'context'; used: number; of: number }
  | {
      what: 'pushed';
      branch: string;
      /** The key of a further repository; undefined: the first. */
      repository: string | undefined;
      insertions: number;
      deletions: number;
      wip: boolean;
    }
  | { what: 'budget'; budget_usd: number }
  | { what: 'pull'; happened: PullHappened; pull: PullRequest }
  | { what: 'schedule_paused'; name: string; failures: number }
  /** `repository`: the key of a further repository; undefined: the first. */
  | {
      what: 'thread';
      number: number;
      repository?: string | undefined;
      title: string | null;
      problem: ThreadProblem | null;
    }
  | { what: 'withdrawn' }
  | { what: 'model'; model: string; effort: Effort }
  | { what: 'cancelling' }
  | { what: 'decided'; need: Need; answer: NeedAnswer }
  | { what: 'ended'; status: TaskStatus; reason: FailureReason | null; detail: string | null }
  | { what: 'log'; level: 'info' | 'warn' | 'error'; text: string }
  | { what: 'harness'; text: string }
  | { what: 'other'; text: string };
export type NoteItem = Row & { kind: 'note'; note: Note };

/** The errand's result. */
type ResultItem = Row & { kind: 'result'; summary: string };

export type Item = SaidItem | ThinkingItem | ToolItem | PersonItem | QuestionItem | CommandItem | NoteItem | ResultItem;

/** A run of reads and searches, shown as one line that opens. */
export type ReadsItem = { kind: 'reads'; key: string; at: string; tools: readonly ToolItem[] };

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { workWith, type WorkSettings } from '../../agent-container/loop/run.ts';
import type { MessageSource, WorkInput, WorkResult } from '../../agent-container/base/work.ts';
import { MessageQueue } from '../../agent-container/message-queue.ts';
import { checkEvents } from '../../coordinator/worker-api/validate-events.ts';
import { NumberedEvent, type Delta, type WorkerEvent, type WorkerEventType } from '../../protocol/events.ts';
import { newId } from '../../protocol/ids.ts';
import type { WorkerWait } from '../../protocol/worker-wait.ts';
import { CONTRACT_VERSION } from '../../protocol/worker.ts';
import { TRANSCRIPT_TYPES, type Assignment, type Message } from '../../protocol/worker-schemas.ts';
import { memoryFolder } from './folder.ts';
import { startModel, type ModelOptions, type ModelServer } from './model/server.ts';

/** The default settings with short backoffs. */
const QUICK: WorkSettings = {
  headers_ms: 20_000,
  idle_ms: 20_000,
  backoff: { first_ms: 1, max_ms: 4 },
  failures_max: 4,
  broken_answers_max: 4,
  wait_total_ms: 2_000,
  checkpoint_ms: 60_000,
  checkpoint_end_ms: 20_000,
  keep_cache_ms: 60_000,
  message_wait_ms: 60_000,
};

/** The worker's queue of messages, at a coordinator that gives each as it was said. */
export class TestMessages implements MessageSource {
  readonly #said = new Map<string, Message>();
  #queue = this.#newQueue();
  /** Whether any was taken. */
  has_taken = false;

  say(text: string, more: Partial<Message> = {}): Message {
    const message = { id: newId(), text, at: new Date().toISOString(), ...more };
    this.#said.set(message.id, message);
    this.#queue.put([message]);
    return message;
  }

  /** All messages come again, as after the worker died before any was acknowledged. */
  comeAgain(): void {
    this.#queue = this.#newQueue();
    this.#queue.put([...this.#said.values()]);
  }

  take(turn_is_over: boolean): Promise<Message[]> {
    return this.#queue.take(turn_is_over);
  }

  areWaiting(): Promise<boolean> {
    return this.#queue.areWaiting();
  }

  queued(signal: AbortSignal): Promise<void> {
    return this.#queue.queued(signal);
  }

  arrived(signal: AbortSignal): Promise<void> {
    return this.#queue.arrived(signal);
  }

  #newQueue(): MessageQueue {
    return new MessageQueue(async (ids) => {
      this.has_taken = true;
      return ids.flatMap((id) => this.#said.get(id) ?? []);
    });
  }
}

export type Bench = {
  repo_dir: string;
  scratch_dir: string;
  model: ModelServer;
  messages: TestMessages;
  /** The attachments that can be fetched, by id. */
  files: Map<string, Buffer>;
  abort: AbortController;
  /** The address that the work calls the model at: that of the scripted model, unless it is changed. */
  base_url: string;
  /** The fetch function that the work calls the model with. */
  fetch: typeof globalThis.fetch;
  events: WorkerEvent[];
  deltas: Delta[];
  waits: (WorkerWait | null)[];
  checkpoints: number;
  /** What a checkpoint does. */
  checkpoint: WorkInput['checkpoint'];
  /** The commit messages that the work was delivered with, and whether each delivery might leave out files. */
  deliveries: string[];
  partial_deliveries: boolean[];
  /** What the next deliveries answer. Empty: they succeed. */
  refusals: string[];
  /**
   * Whether the work has changed nothing, whether a push would be refused, and what the next reviews say of it. Empty:
   * there is nothing to say.
   */
  is_unchanged: boolean;
  has_problem: boolean;
  reviews: string[];
  workspace_note: string | null;
  /** Resolves with the first event of this type that `accepts` returns true for. */
  event: <T extends WorkerEventType>(type: T, accepts?: (event: Typed<T>) => boolean) => Promise<Typed<T>>;
  /** Resolves with the next delta. */
  delta: () => Promise<Delta>;
  of: <T extends WorkerEventType>(type: T) => Typed<T>['body'][];
  /**
   * Runs the work on the assignment. Each further call is the next attempt, with the transcript of the previous ones.
   */
  run: (assignment?: Partial<Assignment>, settings?: Partial<WorkSettings>) => Promise<WorkResult>;
};
type Typed<T extends WorkerEventType> = Extract<WorkerEvent, { type: T }>;

/**
 * A repository directory, a scripted model, and a recorder of all reports. Each event is checked against its schema.
 */
export async function bench(t: ExecutionContext, options: ModelOptions = {}): Promise<Bench> {
  const folder = await memoryFolder(t);
  const [repo_dir, scratch_dir] = [join(folder, 'repo'), join(folder, 'scratch')];
  await Promise.all([mkdir(repo_dir), mkdir(scratch_dir)]);
  const model = await startModel(options);
  t.teardown(() => model.close());
  const messages = new TestMessages();
  const events: WorkerEvent[] = [];
  const watchers = new Set<(event: WorkerEvent) => void>();
  const listeners: ((delta: Delta) => void)[] = [];
  let attempt = 0;
  const all: Bench = {
    repo_dir,
    scratch_dir,
    model,
    messages,
    files: new Map(),
    abort: new AbortController(),
    base_url: model.base_url,
    fetch,
    events,
    ...nothingYet(),
    workspace_note: null,
    event: (type, accepts = () => true) =>
      new Promise((resolve) => {
        const watch = (event: WorkerEvent) => {
          if (isOf(event, type) && accepts(event)) resolve(event);
        };
        for (const event of events) watch(event);
        watchers.add(watch);
      }),
    delta: () => new Promise((resolve) => void listeners.push(resolve)),
    of: <T extends WorkerEventType>(type: T) =>
      events.filter((event) => isOf(event, type)).map((event) => event.body as Typed<T>['body']),
    run: async (changes = {}, settings = {}) => {
      const input: WorkInput = {
        assignment: { ...assignment(++attempt), transcript: transcriptOf(events), ...changes },
        repo_dir,
        scratch_dir,
        command_env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...changes.env },
        model: { base_url: all.base_url, token: () => model.api_key, fetch: all.fetch },
        report: recordInto(all, watchers, listeners),
        messages,
        fetchAttachment: (id, path) => writeAttachment(all.files, id, path),
        signal: all.abort.signal,
        ...NOTHING_BESIDE,
        workspace_note: all.workspace_note,
        checkpoint: async (ended) => {
          all.checkpoints++;
          await all.checkpoint(ended);
        },
        review: () => reviewOf(all),
        deliver: (message, is_partial_ok) => deliverTo(all, message, is_partial_ok),
      };
      return workWith({ ...QUICK, ...settings }, input);
    },
  };
  return all;
}

const NOTHING_BESIDE = { others: [], read_dirs: [], clone_facts: [] };

const nothingYet = () => ({
  deltas: [],
  waits: [],
  checkpoints: 0,
  checkpoint: async () => undefined,
  deliveries: [],
  partial_deliveries: [],
  refusals: [],
  is_unchanged: false,
  has_problem: false,
  reviews: [],
});

/** A reporter that checks each event and keeps everything. */
function recordInto(
  all: Bench,
  watchers: Set<(event: WorkerEvent) => void>,
  listeners: ((delta: Delta) => void)[],
): WorkInput['report'] {
  return {
    emit: async (event) => {
      // Copied as on the wire, so that no object is shared with the work.
      const copy = JSON.parse(JSON.stringify(event)) as WorkerEvent;
      const seq = all.events.length + 1;
      checkEvents([NumberedEvent.parse({ seq, at: new Date().toISOString(), ...copy })]);
      all.events.push(copy);
      for (const watch of watchers) watch(copy);
    },
    delta: (delta) => {
      all.deltas.push(delta);
      for (const resolve of listeners.splice(0)) resolve(delta);
    },
    waitingFor: (waiting) => void all.waits.push(waiting),
    activity: () => undefined,
  };
}

function isOf<T extends WorkerEventType>(event: WorkerEvent, type: T): event is Typed<T> {
  return event.type === type;
}

/** The transcript for the next attempt's assignment. */
export function transcriptOf(events: WorkerEvent[]): Assignment['transcript'] {
  const types: readonly string[] = TRANSCRIPT_TYPES;
  return events.filter(({ type }) => types.includes(type)).map(({ type, body }) => ({ attempt: 1, type, body }));
}

function assignment(attempt: number): Assignment {
  return {
    contract_version: CONTRACT_VERSION,
    task_id: newId(),
    attempt,
    token: 'the-task-token',
    prompt: 'Fix the sum.',
    title: 'Fix the sum.',
    base_branch: 'main',
    branch: 'errand/x-fix-the-sum',
    branch_prefix: 'errand/x-',
    repo_url: 'https://forge.test/o/r',
    model: 'claude-opus-5-5',
    max_turns: 30,
    budget_usd: 5,
    spent_usd: 0,
    time_limit_ms: 60_000,
    setup_command: null,
    verify_command: null,
    env: {},
    author: { name: 'Errand', email: 'errand@example.test' },
    egress: 'none',
    heartbeat_ms: 10_000,
    lease_ms: 60_000,
    spool_bytes_max: 1 << 20,
    transcript: [],
    messages: [],
  };
}

async function writeAttachment(files: Bench['files'], id: string, path: string): Promise<void> {
  const file = files.get(id);
  if (file === undefined) throw new Error('The task has no such attachment.');
  await writeFile(path, file);
}

async function reviewOf({ is_unchanged, has_problem, reviews }: Bench): ReturnType<WorkInput['review']> {
  return { is_unchanged, has_problem, text: reviews.shift() ?? null };
}

async function deliverTo(bench: Bench, message: string, is_partial_ok = false): ReturnType<WorkInput['deliver']> {
  bench.deliveries.push(message);
  bench.partial_deliveries.push(is_partial_ok);
  return bench.refusals.shift() ?? null;
}

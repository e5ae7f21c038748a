import type { NumberedEvent, WorkerEvent } from '../../../protocol/events.ts';
import type { Task, TaskResult, Usage, WaitingFor } from '../../../protocol/task.ts';
import { putDiff } from '../../../coordinator/sqlite/diffs.ts';
import { updateWaitingFor } from '../../../coordinator/sqlite/progress.ts';
import { addUsage } from '../../../coordinator/sqlite/usage.ts';
import { endAttempt } from '../../../coordinator/tasks/advance.ts';
import { applyEvents } from '../../../coordinator/worker-api/apply-events.ts';
import { checkEvents } from '../../../coordinator/worker-api/validate-events.ts';
import { taskOf } from '../fixtures.ts';
import { StagedErrand } from '../staged-errand.ts';
import type { StartedApi } from '../start-api.ts';

/**
 * An errand whose worker is the test, as the app sees it: with its plan, its money, what it waits for, and its text.
 */
export class LivelyErrand {
  readonly id: string;
  readonly #server: StartedApi;
  readonly #staged: StagedErrand;
  #refs = 0;
  #turn = 0;

  constructor(server: StartedApi, { id }: Pick<Task, 'id'>) {
    this.id = id;
    this.#server = server;
    this.#staged = new StagedErrand(server.log, id);
  }

  begin(): void {
    this.#staged.begin();
    const branch = `errand/${this.id}-work`;
    const commits = { base_commit: 'a'.repeat(40), commit: 'a'.repeat(40) };
    this.report({ type: 'repository.ready', body: { branch, base_branch: 'main', ...commits } });
  }

  /** Reports events as the worker, with what they change in the task. */
  report(...events: WorkerEvent[]): void {
    this.#staged.report(...events);
    const at = new Date().toISOString();
    const numbered = events.map((event, index): NumberedEvent => ({ ...event, seq: index + 1, at }));
    const attempt = { task_id: this.id, attempt: 1 };
    this.#server.log.write((tx) => {
      applyEvents(tx, attempt, checkEvents(numbered), at);
      this.#server.relay.state(tx, this.id);
    });
  }

  waitsFor(waiting_for: WaitingFor | null): void {
    this.#server.log.write((tx) => {
      updateWaitingFor(tx.db, this.id, waiting_for && JSON.stringify(waiting_for));
      this.#server.relay.state(tx, this.id);
    });
  }

  /** Starts a turn; its text comes with `write`, and `say` ends it. Returns its ref. */
  startTurn(): string {
    const ref = `turn-${this.id}-${++this.#turn}`;
    this.report({ type: 'turn.started', body: { turn: this.#turn, ref, model: 'claude-sonnet-5-5' } });
    return ref;
  }

  write(ref: string, text: string, kind: 'text' | 'output' = 'text'): void {
    const { user_id, attempt } = taskOf(this.#server.log, this.id);
    this.#server.relay.deltas({ id: this.id, user_id }, attempt, [{ ref, kind, text }]);
  }

  say(text: string, ref = this.startTurn()): void {
    const usage = { input_tokens: 1, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens: 1 };
    this.report({
      type: 'turn.finished',
      body: {
        turn: this.#turn,
        ref,
        model: 'claude-sonnet-5-5',
        content: [{ type: 'text', text }],
        stop_reason: 'tool_use',
        usage,
        request_id: null,
        duration_ms: 900,
      },
    });
  }

  startTool(name: string, input: Record<string, unknown>): string {
    const ref = `toolu_${this.id}_${++this.#refs}`;
    this.report({ type: 'tool.started', body: { turn: Math.max(1, this.#turn), ref, name, input } });
    return ref;
  }

  endTool(
    ref: string,
    name: string,
    text: string,
    more: { exit_code?: number; duration_ms?: number; is_error?: boolean; pictures?: Buffer[] } = {},
  ): void {
    const { exit_code, duration_ms = 100, is_error = false, pictures = [] } = more;
    const content = [{ type: 'text', text }, ...pictures.map(imageOf)];
    const turn = Math.max(1, this.#turn);
    const body = {
      turn,
      ref,
      name,
      is_error,
      content,
      duration_ms,
      ...(exit_code !== undefined && { exit_code }),
    };
    this.report({ type: 'tool.finished', body });
  }

  tool(name: string, input: Record<string, unknown>, text: string, more = {}): void {
    this.endTool(this.startTool(name, input), name, text, more);
  }

  plan(...items: [string, 'done' | 'in_progress' | 'pending'][]): void {
    this.report({ type: 'plan.updated', body: { items: items.map(([text, status]) => ({ text, status })) } });
  }

  spend(cost_usd: number): void {
    const { db, log } = this.#server;
    const usage: Usage = {
      requests: 1,
      input_tokens: 100,
      cache_write_tokens: 0,
      cache_read_tokens: 1000,
      output_tokens: 50,
      cost_usd,
    };
    log.write((tx) => {
      const at = new Date().toISOString();
      const total = addUsage(db, this.id, usage, at);
      if (total) tx.note(taskOf(log, this.id), { type: 'usage.updated', body: { model: 'm', usage: total } }, at);
    });
  }

  ask(question: string, options?: string[]): string {
    const ref = `toolu_${this.id}_${++this.#refs}`;
    this.report({ type: 'question.asked', body: { ref, question, ...(options && { options }) } });
    this.waitsFor({ kind: 'person', since: new Date().toISOString(), question });
    return ref;
  }

  succeed(result: Partial<TaskResult>, diff = ''): void {
    putDiff(this.#server.db, this.id, { diff, truncated: false });
    const full = { summary: '', branch: `errand/${this.id}-work`, commit: 'b'.repeat(40), base_commit: 'a'.repeat(40) };
    this.#staged.end('succeeded', null, { ...full, diff_stat: { files: 0, insertions: 0, deletions: 0 }, ...result });
  }

  /**
   * Ends the attempt as its worker does that has finished work, a commit, which may not be pushed before it is
   * approved.
   */
  askToPush(commit: string): void {
    const task = taskOf(this.#server.log, this.id);
    const end = { status: 'parked' as const, reason: null, detail: null, at: new Date().toISOString() };
    const options = ['approve', 'send_back'].map((value) => ({ value, label: value }));
    const diff_stat = { files: 2, insertions: 42, deletions: 18 };
    const asked = { question: 'Push?', options, takes_text: true, diff_stat };
    this.#server.log.write((tx) =>
      endAttempt(tx, task, task.attempt, end, { kind: 'push', ref: commit, commit, ...asked }),
    );
  }

  /** Parks the errand at its spent budget, and asks for more. */
  askForBudget(): void {
    const task = taskOf(this.#server.log, this.id);
    const end = { status: 'parked' as const, reason: null, detail: null, at: new Date().toISOString() };
    const options = ['add_2', 'end'].map((value) => ({ value, label: value }));
    this.#server.log.write((tx) =>
      endAttempt(tx, task, task.attempt, end, { kind: 'budget', ref: '1', question: 'Shall it go on?', options }),
    );
  }

  /** Ends the attempt as its worker does after a cancel. */
  stop(): void {
    this.#staged.end('cancelled');
  }

  fail(reason: Parameters<StagedErrand['end']>[1], given: Parameters<StagedErrand['end']>[3] = {}): void {
    this.#staged.end('failed', reason, undefined, given);
  }
}

/** A PNG as the content of a tool's result. */
function imageOf(png: Buffer): { type: string; source: object } {
  return { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png.toString('base64') } };
}

import type { LogEvent } from '../../../protocol/events.ts';
import { isEnded, type PlanItem, type Task, type Usage, type WaitingFor } from '../../../protocol/task.ts';
import { EventLines, planLines } from './event-lines.ts';
import { STATUS_STYLE, statusWord } from './status.ts';
import { Drafts } from '../../client/errand/drafts.ts';
import { foldTask } from '../../client/errand/task-fold.ts';
import { workedMs } from '../../client/errand/worked-ms.ts';
import type { News } from '../../client/follow.ts';
import { changes, clock, duration, money, spent, waiting } from './format.ts';
import { knownEvent } from '../../client/known-event.ts';
import { block, type Line } from './line.ts';
import { PROGRAM } from './program.ts';
import { headAndTail, wrap } from './text.ts';

const PLAN_LINES_MAX = 10;
const DRAFT_LINES_MAX = 6;
const NO_USAGE: Usage = {
  requests: 0,
  input_tokens: 0,
  cache_write_tokens: 0,
  cache_read_tokens: 0,
  output_tokens: 0,
  cost_usd: 0,
};

/** The notice before the log of another database. */
export const RESTORED = 'The server was restored from a backup: its log starts again from the beginning.';

/** What the user sees of an errand: the state that the updates of `follow` add up to, and the lines that show it. */
export class View {
  readonly #drafts = new Drafts();
  #lines = new EventLines();
  #task: Task;
  #turn = 0;
  #lost: string | undefined;
  /** The model's last text. */
  #said = '';

  /** `task`: its state at the start. */
  constructor(task: Task) {
    this.#task = atStart(task);
  }

  /**
   * Applies an update. Returns the lines that it adds to the log. `live`: the plan and the drafts are shown in the
   * footer instead.
   */
  take(news: News, live: boolean): Line[] {
    switch (news.type) {
      case 'events':
        return news.events.flatMap((event) => this.#event(event, live));
      case 'state': {
        const lines = live ? [] : this.#newSilence(news.waiting_for);
        this.#task = { ...this.#task, waiting_for: news.waiting_for };
        return lines;
      }
      case 'deltas':
        for (const delta of news.deltas) this.#drafts.add(delta);
        return [];
      case 'connected':
        this.#lost = undefined;
        return [];
      case 'lost':
        this.#drafts.clear();
        this.#lost = `${news.why} Trying again at ${clock(news.retry_at_ms)}.`;
        return [];
      case 'restored':
        this.#forget();
        return [[['yellow', RESTORED]]];
    }
  }

  /** A notice that the worker, the model or a command has become silent. */
  #newSilence(now: WaitingFor | null): Line[] {
    const since = silentSince(now);
    if (now === null || since === undefined || since === silentSince(this.#task.waiting_for)) return [];
    return [[['yellow', waiting(now, Date.now())]]];
  }

  /** Resets the state: the log starts again. */
  #forget(): void {
    this.#drafts.clear();
    this.#lines = new EventLines();
    this.#task = { ...atStart(this.#task), waiting_for: null };
    this.#turn = 0;
    this.#said = '';
  }

  /** The footer at `now`: unfinished text, the plan, the status, and what the errand waits for. */
  footer({ columns }: { columns: number }, now: number): Line[] {
    const drafts = this.#drafts.all().flatMap(({ kind, text }): Line[] => {
      const lines = wrap(text.replace(/^\s*\n/, '').trimEnd(), columns - 2).slice(-DRAFT_LINES_MAX);
      return kind === 'text' ? block(lines, '') : block(lines, kind === 'output' ? '  │ ' : '', 'dim');
    });
    const { status, waiting_for, usage } = this.#task;
    const parts = [
      waiting_for && !isEnded(status) ? waiting(waiting_for, now) : undefined,
      this.#turn > 0 ? `turn ${this.#turn}` : undefined,
      usage.requests > 0 ? money(usage.cost_usd) : undefined,
    ].filter((part) => part !== undefined);
    const plan = planLines(this.#openPlan());
    return [
      ...drafts,
      ...(plan.length > 0 ? [[], ...plan] : []),
      ['● ', [STATUS_STYLE[status], statusWord(status)], ['dim', parts.map((part) => ` · ${part}`).join('')]],
      ...(this.#lost === undefined ? [] : [[['yellow', this.#lost] as const]]),
    ];
  }

  /** The whole plan, for the log. */
  plan(): Line[] {
    return planLines(this.#task.plan);
  }

  /** The outcome, below the log. The summary is left out if the model has just said it. */
  outcome({ id, result, usage, ...task }: Task): Line[] {
    const pushed = pushedLines({ ...task, result });
    const took = task.started_at === null || task.ended_at === null ? [] : [duration(workedMs(task, Date.now()))];
    const summary = result?.summary.trim() ?? '';
    return [
      ...(summary === '' || this.#said.includes(summary) ? [] : block(headAndTail(summary, 60, 10), '  ')),
      ['  ', ['dim', [...took, spent(usage)].join(', ')]],
      ...(pushed.length === 0
        ? []
        : [
            ...pushed,
            ['  ', ['dim', 'see the changes with: '] as const, ['command', `${PROGRAM} diff ${id}`] as const],
          ]),
      ...(task.reason === 'budget_exhausted'
        ? [
            [
              '  ',
              ['dim', 'to go on with a larger budget: '] as const,
              ['command', `${PROGRAM} retry ${id} --budget N`] as const,
            ],
          ]
        : []),
    ];
  }

  #event(event: LogEvent, live: boolean): Line[] {
    this.#drafts.event(event);
    const known = knownEvent(event);
    this.#task = foldTask(this.#task, event, known);
    switch (known?.type) {
      case 'plan.updated':
        if (live) return [];
        break;
      case 'turn.started':
        this.#turn = known.body.turn;
        break;
      case 'turn.finished':
        this.#said = known.body.content.map(({ text }) => (typeof text === 'string' ? text : '')).join('\n');
        break;
      default:
    }
    return this.#lines.of(event, known);
  }

  /** The part of the plan around the current item, if the plan is too long for the footer. */
  #openPlan(): PlanItem[] {
    const { plan } = this.#task;
    const open = plan.findIndex(({ status }) => status !== 'done');
    const from = Math.max(0, Math.min(open - 2, plan.length - PLAN_LINES_MAX));
    return plan.slice(from, from + PLAN_LINES_MAX);
  }
}

/** A line for each branch that was pushed. */
function pushedLines({ repositories, result, branch }: Pick<Task, 'repositories' | 'result' | 'branch'>): Line[] {
  const first = { key: undefined, branch: result?.branch ?? branch, diff_stat: result?.diff_stat ?? null };
  return (repositories ?? [first]).flatMap((one): Line[] => {
    if (one.branch === null) return [];
    const where = one.key === undefined ? '' : ` in ${one.key}`;
    return [['  ', ['bold', one.branch], `${where}${one.diff_stat ? ` (${changes(one.diff_stat)})` : ''}`]];
  });
}

/** The task as it was before its first event. */
function atStart(task: Task): Task {
  return { ...task, status: 'queued', plan: [], usage: NO_USAGE };
}

/** Since when the worker, the model or the command has been silent. */
function silentSince(waiting: WaitingFor | null): string | undefined {
  if (waiting?.kind === 'silent_worker') return waiting.since;
  return waiting?.kind === 'model' || waiting?.kind === 'command' ? waiting.silent_since : undefined;
}

/** Why no errand can start, if one of these tasks waits for that reason. */
export function whyNothingStarts(tasks: readonly Task[]): Line[] {
  const reason = tasks.map(({ waiting_for }) => (waiting_for?.kind === 'queue' ? waiting_for.reason : undefined));
  const found = reason.find((words) => words !== undefined);
  return found === undefined ? [] : [[['yellow', `No errand can be started now: ${found}`]]];
}

/** The heading above an errand's log. */
export function heading(task: Task): Line[] {
  const settings = [
    ...(task.repositories?.map(({ repo_url }) => repo_url) ?? [task.repo_url]),
    task.base_branch === null ? undefined : `from ${task.base_branch}`,
    `${task.model}, ${task.effort} effort`,
    `at most ${money(task.budget_usd)} and ${task.max_turns} turns`,
  ].filter((part) => part !== undefined);
  return [[['bold', task.title]], [['dim', `${task.id} · ${settings.join(' · ')}`]]];
}

import type { LogEvent } from '../../../protocol/events.ts';
import { STATUS_STYLE, statusWord } from './status.ts';
import type { PlanItem } from '../../../protocol/task.ts';
import { saidReason } from '../../../protocol/said-reason.ts';
import { changes, clock, duration, money, withLocalTimes } from './format.ts';
import { Echoes } from '../../client/errand/echoes.ts';
import type { KnownEvent } from '../../client/known-event.ts';
import { answerCommand, decisionLines, type AnswerWith } from './decision-lines.ts';
import { FAILURE_WORDS } from './failure-words.ts';
import { block, type Line } from './line.ts';
import { pullLines, threadLine } from './pull-lines.ts';
import { headAndTail, oneLine } from './text.ts';
import { outputLines, ToolLines } from './tool-lines.ts';

/** How many lines of the model's text are shown: from its start, and from its end. */
const ANSWER = { head: 200, tail: 50 };
const COMMAND_CHARS_MAX = 160;

/** Turns the log of one task into lines for the user. */
export class EventLines {
  readonly #tools = new ToolLines();
  readonly #echoes = new Echoes();
  readonly #answerWith: AnswerWith;

  /** `answerWith`: the command that answers what a task asks. */
  constructor(answerWith: AnswerWith = answerCommand) {
    this.#answerWith = answerWith;
  }

  /**
   * The lines of the next event. `known`: what `knownEvent` made of it. Some events have none because another event
   * shows the same.
   */
  of(event: LogEvent, known: KnownEvent | undefined): Line[] {
    if (known?.type === 'tool.started') return this.#tools.started(known.body);
    if (known?.type === 'tool.finished') return this.#tools.finished(known.body);
    if (known?.type === 'log') this.#echoes.add(known.body.text);
    if (known?.type === 'input.added' && this.#echoes.isEcho(known.body.text)) return [];
    // An event of a newer server: show its type.
    const lines: Line[] = known ? linesOf(event, known, this.#answerWith) : [[['dim', event.type]]];
    if (lines.length > 0) this.#tools.leave();
    return lines;
  }
}

type ToolEvent = { type: 'tool.started' | 'tool.finished' };

type SteeringEvent = Extract<
  KnownEvent,
  {
    type:
      | 'message.received'
      | 'message.changed'
      | 'message.withdrawn'
      | 'task.model'
      | 'task.cancel_requested'
      | 'task.budget'
      | 'schedule.paused';
  }
>;

/** What becomes of the errand from outside: what the person says, and that its schedule has paused. */
function steeringLines({ type, body }: SteeringEvent): Line[] {
  switch (type) {
    case 'message.received':
      return block(headAndTail(body.text, 20, 0), 'you: ', 'cyan');
    case 'message.changed':
      return block(headAndTail(body.text, 20, 0), 'you, changed: ', 'cyan');
    case 'message.withdrawn':
      return [[['dim', 'you withdrew a message before the agent read it']]];
    case 'task.cancel_requested':
      return [[['dim', 'a cancel was asked for: the worker saves its work and stops']]];
    case 'task.budget':
      return [[['dim', `the budget is ${money(body.budget_usd)} from now on`]]];
    case 'task.model':
      return [[['dim', `the model is ${body.model} with the effort ${body.effort} from now on`]]];
    case 'schedule.paused':
      return [
        [['yellow', `the schedule ${oneLine(body.name, 100)} is paused: ${body.failures} errands in a row failed`]],
      ];
  }
}

/** What bounds the work, what is to be known of its result, and what no other type fits. */
function otherLines({
  type,
  body,
}: Extract<KnownEvent, { type: 'context.reduced' | 'limit.near' | 'task.result' | 'log' | 'custom' }>): Line[] {
  switch (type) {
    case 'context.reduced':
      return [[['dim', `the context was shortened: ${body.detail}`]]];
    case 'limit.near':
      return [[['yellow', `near its limit of ${body.limit}: ${body.used} of ${body.of}`]]];
    case 'task.result':
      return body.warning === undefined ? [] : block([body.warning], '', LEVEL_STYLE.warn);
    case 'log':
      return block(headAndTail(body.text, 10, 0), '', LEVEL_STYLE[body.level]);
    case 'custom':
      return [[['dim', `${body.name} ${oneLine(JSON.stringify(body.data) ?? '', COMMAND_CHARS_MAX)}`]]];
  }
}

function linesOf(event: LogEvent, known: Exclude<KnownEvent, ToolEvent>, answerWith: AnswerWith): Line[] {
  const { type, body } = known;
  switch (type) {
    case 'task.created':
    case 'task.archived':
    case 'usage.updated':
    case 'conversation.started':
    case 'turn.started':
    case 'question.closed':
    case 'need.closed':
      return [];
    case 'task.status':
    case 'attempt.started':
    case 'attempt.ended':
      return stageLines(event.attempt, known);
    case 'message.received':
    case 'message.changed':
    case 'message.withdrawn':
    case 'task.model':
    case 'task.cancel_requested':
    case 'task.budget':
    case 'schedule.paused':
      return steeringLines(known);
    case 'agent.started':
      return [[['dim', `${body.agent} ${body.version}${body.resumed ? ', goes on where it was' : ''}`]]];
    case 'step.started':
      return body.step === 'work' ? [] : [['◦ ', body.step]];
    case 'repository.ready':
      return [[['dim', `branch ${body.branch}, from ${body.base_branch}${at(body.base_commit)}${within(body)}`]]];
    case 'setup.finished':
      return commandLines(body.command, body.exit_code, body.output, body.duration_ms);
    case 'turn.finished':
      return body.content.flatMap(blockLines);
    case 'turn.retried':
      return [[['yellow', `the model's answer was lost: ${body.reason}`], ` — again at ${clock(body.retry_at)}`]];
    case 'input.added':
      // Messages of the user, and the result of verifying, have their own events.
      return body.source === 'harness' ? block(headAndTail(body.text, 3, 0), 'harness: ', 'dim') : [];
    case 'plan.updated':
      return planLines(body.items);
    case 'question.asked':
    case 'need.asked':
    case 'need.answered':
      return decisionLines(event.task_id, known, answerWith);
    case 'verify.finished':
      return verifyLines(body);
    case 'branch.pushed':
      return pushLines(body);
    case 'thread.read':
    case 'pull.opened':
    case 'pull.changed':
      return type === 'thread.read' ? [threadLine(body)] : pullLines(body.pull);
    case 'context.reduced':
    case 'limit.near':
    case 'task.result':
    case 'log':
    case 'custom':
      return otherLines(known);
  }
}

type StageEvent = Extract<KnownEvent, { type: 'task.status' | 'attempt.started' | 'attempt.ended' }>;

function stageLines(n: number, { type, body }: StageEvent): Line[] {
  if (type === 'task.status') return statusLines(body);
  if (type === 'attempt.ended') return endLines(n, body);
  const image = body.image === undefined ? '' : `, image ${body.image}`;
  return [[['dim', `attempt ${n} in ${body.worker}${image}${body.warm ? ', started ahead' : ''}`]]];
}

/** The lines of the plan. */
export function planLines(items: readonly PlanItem[]): Line[] {
  return items.map(({ text, status }) => {
    switch (status) {
      case 'done':
        return [
          ['green', '☑ '],
          ['dim', text],
        ];
      case 'in_progress':
        return [
          ['cyan', '▣ '],
          ['bold', text],
        ];
      case 'pending':
        return ['☐ ', text];
    }
  });
}

const LEVEL_STYLE = { info: 'dim', warn: 'yellow', error: 'red' } as const;

type Body<T extends KnownEvent['type']> = Extract<KnownEvent, { type: T }>['body'];

function statusLines({ from, to, ...ended }: Body<'task.status'>): Line[] {
  if (statusWord(from) === statusWord(to)) return [];
  // The reason for a return to the queue was shown with the end of the attempt.
  const why = to === 'queued' ? null : whyOf(ended);
  return [['● ', [STATUS_STYLE[to], statusWord(to)], why === null ? '' : ` — ${withLocalTimes(why)}`]];
}

function whyOf({ detail, ...said }: Pick<Body<'task.status'>, 'reason' | 'capped' | 'detail'>): string | null {
  const reason = saidReason(said);
  return detail ?? (reason && FAILURE_WORDS[reason]);
}

function endLines(attempt: number | null, body: Body<'attempt.ended'>): Line[] {
  if (body.retry_at === null) return [];
  return [
    [
      ['yellow', `attempt ${attempt} is over: ${withLocalTimes(whyOf(body) ?? body.status)}`],
      ` — the next one at ${clock(body.retry_at)}`,
    ],
  ];
}

function verifyLines(body: Body<'verify.finished'>): Line[] {
  return [
    body.passed ? [['green', '✔ verified']] : [['red', '✘ not verified']],
    ...commandLines(body.command, body.exit_code, body.output, body.duration_ms),
  ];
}

function pushLines(body: Body<'branch.pushed'>): Line[] {
  return [
    [
      ['green', '↑ '],
      body.wip ? 'work in progress pushed to ' : 'pushed to ',
      ['bold', body.branch],
      `${at(body.commit)}${within(body)} (${changes(body.diff_stat)})`,
    ],
  ];
}

/** The repository that an event is about, if it is not the first one of its errand. */
function within({ repository }: { repository?: string | undefined }): string {
  return repository === undefined ? '' : ` in ${repository}`;
}

type Block = { type: string; [key: string]: unknown };

/** A block of the model's answer. Tool calls are shown by the tool's own events. */
function blockLines(piece: Block): Line[] {
  const { head, tail } = ANSWER;
  if (piece.type === 'text' && typeof piece.text === 'string')
    return [[], ...block(headAndTail(piece.text, head, tail), '')];
  if (piece.type === 'thinking' && typeof piece.thinking === 'string' && piece.thinking.trim() !== '')
    return [[], ...block(headAndTail(piece.thinking, head, tail), '', 'dim')];
  return [];
}

function commandLines(command: string, exit_code: number | null, output: string, duration_ms: number): Line[] {
  const end = exit_code === null ? 'did not end by itself' : `exit ${exit_code}`;
  return [
    ['  $ ', ['bold', oneLine(command, COMMAND_CHARS_MAX)]],
    ...outputLines(output),
    ['  ', ['dim', '└ '], [exit_code === 0 ? 'dim' : 'red', `${end}, ${duration(duration_ms)}`]],
  ];
}

function at(commit: string | null): string {
  return commit === null ? '' : ` at ${commit.slice(0, 8)}`;
}

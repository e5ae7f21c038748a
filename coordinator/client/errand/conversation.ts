import type { Delta, LogEvent } from '../../../protocol/events.ts';
import type { Need } from '../../../protocol/needs.ts';
import { isEnded } from '../../../protocol/task.ts';
import { knownEvent, type KnownEvent } from '../known-event.ts';
import { Drafts, type Draft } from './drafts.ts';
import type { Item, Note, PersonItem, QuestionItem, ToolItem } from './items.ts';

type Body<T extends KnownEvent['type']> = Extract<KnownEvent, { type: T }>['body'];
type Block = { type: string; [key: string]: unknown };

/** Tools that have rows of their own: the plan, and the question. */
const SHOWN_ELSEWHERE = new Set(['update_plan', 'ask_person']);

/** The log of one errand, folded into the rows of its conversation. The same events always give the same rows. */
export class Conversation {
  #items: Item[] = [];
  readonly #places = new Map<string, number>();
  readonly #needs = new Map<string, Need>();
  readonly #drafts = new Drafts();
  /** The id of the last event. */
  last_id = 0;
  /** The model's last text. */
  said = '';
  turn = 0;

  /** The rows. A new array after each change. */
  get items(): readonly Item[] {
    return this.#items;
  }

  /** Unfinished text, oldest first. */
  get drafts(): readonly Draft[] {
    return this.#drafts.all();
  }

  /** Applies events. Those that it has already are skipped. */
  apply(events: readonly LogEvent[]): void {
    const fresh = events.filter(({ id }) => id > this.last_id);
    if (fresh.length === 0) return;
    this.#items = [...this.#items];
    for (const event of fresh) {
      this.last_id = event.id;
      this.#drafts.event(event);
      const known = knownEvent(event);
      if (known) this.#fold(event, known);
      else this.#note(event, { what: 'other', text: event.type });
    }
  }

  /** Adds unfinished text. */
  write(deltas: readonly Delta[]): void {
    for (const delta of deltas) this.#drafts.add(delta);
  }

  /** Drops unfinished text: after a lost connection what was missed never comes. */
  dropDrafts(): void {
    this.#drafts.clear();
  }

  #fold(event: LogEvent, known: KnownEvent): void {
    switch (known.type) {
      case 'task.created':
        return this.#person(event, null, known.body.prompt);
      case 'message.received':
        return this.#person(event, known.body.message_id, known.body.text);
      case 'input.added':
        return this.#heard(event, known.body);
      case 'turn.started':
        this.turn = known.body.turn;
        return;
      case 'turn.finished':
        return this.#turnFinished(event, known.body);
      case 'tool.started':
        return this.#toolStarted(event, known.body);
      case 'tool.finished':
        return this.#toolFinished(event, known.body);
      case 'question.asked': {
        const { ref, question, until = null } = known.body;
        return this.#put({ kind: 'question', key: `q-${ref}`, at: event.at, question, until, state: 'open' });
      }
      case 'question.closed':
        return this.#change<QuestionItem>(`q-${known.body.ref}`, (question) => ({
          ...question,
          state: known.body.answered ? 'answered' : 'unanswered',
        }));
      case 'need.asked':
        this.#needs.set(known.body.need.id, known.body.need);
        return;
      case 'need.answered':
        return this.#decided(event, known.body);
      case 'need.closed':
        return;
      case 'setup.finished':
        return this.#command(event, 'setup', { ...known.body, passed: known.body.exit_code === 0 });
      case 'verify.finished':
        return this.#command(event, 'verify', known.body);
      case 'task.result':
        return this.#result(event, known.body.summary);
      default: {
        const note = noteOf(event, known);
        if (note) this.#note(event, note);
      }
    }
  }

  #person({ id, at }: LogEvent, message_id: string | null, text: string): void {
    const heard_at = message_id === null ? at : null;
    this.#put({ kind: 'person', key: message_id ?? `e${id}`, at, message_id, text, heard_at });
  }

  /** The answer to a question is a message, which has a row of its own. */
  #decided(event: LogEvent, { need_id, answer }: Body<'need.answered'>): void {
    const need = this.#needs.get(need_id);
    if (need && need.kind !== 'question') this.#note(event, { what: 'decided', need, answer });
  }

  /** A message has entered the conversation; or the worker adds a note. */
  #heard(event: LogEvent, { source, message_id, text }: Body<'input.added'>): void {
    if (source === 'harness') this.#note(event, { what: 'harness', text });
    if (message_id !== undefined) this.#change<PersonItem>(message_id, (person) => ({ ...person, heard_at: event.at }));
  }

  #turnFinished(event: LogEvent, { content, replaces_messages }: Body<'turn.finished'>): void {
    if (replaces_messages !== undefined) return this.#note(event, { what: 'shortened' });
    for (const [i, block] of content.entries()) {
      const { text, thinking } = block;
      const row = { key: `e${event.id}-${i}`, at: event.at };
      if (block.type === 'text' && typeof text === 'string' && text.trim() !== '') {
        this.#put({ ...row, kind: 'said', text });
        this.said = text;
      }
      if (block.type === 'thinking' && typeof thinking === 'string' && thinking.trim() !== '')
        this.#put({ ...row, kind: 'thinking', text: thinking });
    }
  }

  #toolStarted(event: LogEvent, { ref, name, input }: Body<'tool.started'>): void {
    if (SHOWN_ELSEWHERE.has(name)) return;
    const rest = { output: '', exit_code: undefined, duration_ms: null };
    this.#put({ kind: 'tool', key: `t-${ref}`, at: event.at, name, input, state: 'running', ...rest });
  }

  #toolFinished(event: LogEvent, body: Body<'tool.finished'>): void {
    const failed = body.is_error || (typeof body.exit_code === 'number' && body.exit_code !== 0);
    this.#change<ToolItem>(`t-${body.ref}`, (tool) => ({
      ...tool,
      state: failed || body.exit_code === null ? 'failed' : 'done',
      output: textOf(body.content),
      exit_code: body.exit_code,
      duration_ms: body.duration_ms,
    }));
  }

  #command({ id, at }: LogEvent, step: 'setup' | 'verify', body: Omit<Body<'verify.finished'>, never>): void {
    this.#put({ kind: 'command', key: `e${id}`, at, step, ...body });
  }

  /** A summary that the model has just said is not repeated. */
  #result({ id, at }: LogEvent, summary: string): void {
    if (summary.trim() === '' || this.said.includes(summary.trim())) return;
    this.#put({ kind: 'result', key: `e${id}`, at, summary });
  }

  #note({ id, at }: LogEvent, note: Note): void {
    this.#put({ kind: 'note', key: `e${id}-n`, at, note });
  }

  /** Adds a row, or replaces the one with its key. */
  #put(item: Item): void {
    const place = this.#places.get(item.key) ?? this.#items.length;
    this.#places.set(item.key, place);
    this.#items[place] = item;
  }

  /** The key names the kind of the row. */
  #change<T extends Item>(key: string, act: (item: T) => T): void {
    const place = this.#places.get(key);
    if (place !== undefined) this.#items[place] = act(this.#items[place] as T);
  }
}

/** The events that make one line; undefined for those that show elsewhere. */
function noteOf(event: LogEvent, known: KnownEvent): Note | undefined {
  switch (known.type) {
    case 'attempt.started':
      return event.attempt > 1 ? { what: 'attempt', n: event.attempt } : undefined;
    case 'attempt.ended': {
      const { reason, detail, retry_at } = known.body;
      return retry_at === null ? undefined : { what: 'attempt_over', reason, detail, retry_at };
    }
    case 'turn.retried':
      return { what: 'retried', reason: known.body.reason, retry_at: known.body.retry_at };
    case 'context.reduced':
      return { what: 'shortened' };
    case 'limit.near':
      return { what: 'limit', ...known.body };
    case 'branch.pushed': {
      const { branch, wip, diff_stat } = known.body;
      return { what: 'pushed', branch, wip, insertions: diff_stat.insertions, deletions: diff_stat.deletions };
    }
    case 'task.budget':
      return { what: 'budget', budget_usd: known.body.budget_usd };
    case 'task.cancel_requested':
      return { what: 'cancelling' };
    case 'task.status': {
      const { to: status, reason, detail } = known.body;
      return isEnded(status) ? { what: 'ended', status, reason, detail } : undefined;
    }
    case 'log':
      return { what: 'log', ...known.body };
    case 'custom':
      return { what: 'other', text: `${known.body.name} ${JSON.stringify(known.body.data) ?? ''}` };
    default:
      return undefined;
  }
}

/** The text of a tool's result. A picture is a line that says so. */
function textOf(content: readonly Block[]): string {
  return content.map(({ type, text }) => (typeof text === 'string' ? text : `[${type}]`)).join('\n');
}

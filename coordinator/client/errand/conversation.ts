import type { Delta, LogEvent } from '../../../protocol/events.ts';
import type { Need } from '../../../protocol/needs.ts';
import type { Hear } from '../../../protocol/task.ts';
import type { KnownEvent, TypeEvent } from '../known-event.ts';
import { Drafts, type Draft } from './drafts.ts';
import { noteOf } from './note-of.ts';
import type { Block, Item, Note, PersonItem, QuestionItem, ToolItem } from './items.ts';

type Body<T extends KnownEvent['type']> = Extract<KnownEvent, { type: T }>['body'];
type Said = Pick<Body<'message.received'>, 'text' | 'attachments'> & { hear?: Hear | undefined };

/** Tools that have rows of their own: the plan, and the question. */
const SHOWN_ELSEWHERE = new Set(['update_plan', 'ask_person']);

/** The log of one errand, folded into the rows of its conversation. The same events always give the same rows. */
export class Conversation {
  readonly #known: TypeEvent;
  #items: Item[] = [];
  /**
   * The places of the rows by their keys, counted from the first row that there ever was: earlier rows are below
   * zero.
   */
  readonly #places = new Map<string, number>();
  #rows_in_front = 0;
  /** Changes of rows that are not here: they are in a part of the log that comes in front. */
  readonly #orphans = new Map<string, ((item: Item) => Item)[]>();
  readonly #needs = new Map<string, Need>();
  #drafts = new Drafts();
  /** The ids of the first and the last event; 0: there is none. */
  first_id = 0;
  last_id = 0;
  /** Whether the first event is the first of the log. */
  has_beginning = false;
  /** The model's last text. */
  said = '';
  turn = 0;

  /** `known`: see known-event.ts. */
  constructor(known: TypeEvent) {
    this.#known = known;
  }

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
    if (this.first_id === 0) this.#beginsWith(fresh);
    for (const event of fresh) {
      this.last_id = event.id;
      this.#drafts.event(event);
      const known = this.#known(event);
      if (known) this.#fold(event, known);
      else this.#note(event, { what: 'other', text: event.type });
    }
  }

  /** Adds the part of the log in front of the first event. */
  prepend(events: readonly LogEvent[]): void {
    const earlier = events.filter(({ id }) => id < this.first_id);
    const part = new Conversation(this.#known);
    part.apply(earlier);
    this.#beginsWith(earlier);
    const rows = part.items
      .filter(({ key }) => !this.#places.has(key))
      .map((row) => (this.#orphans.get(row.key) ?? []).reduce((item, act) => act(item), row));
    this.#rows_in_front += rows.length;
    for (const [i, { key }] of rows.entries()) {
      this.#places.set(key, i - this.#rows_in_front);
      this.#orphans.delete(key);
    }
    for (const [key, acts] of part.#orphans) this.#orphans.set(key, [...acts, ...(this.#orphans.get(key) ?? [])]);
    this.#items = [...rows, ...this.#items];
  }

  /** Whether an event is in the part of the log that is here. */
  spans(event_id: number): boolean {
    return this.first_id <= event_id && event_id <= this.last_id;
  }

  /** Takes an event whole that came shortened before. It is one of those that are here. */
  replace(event: LogEvent): void {
    const known = this.#known(event);
    if (!known) return;
    this.#items = [...this.#items];
    const { said } = this;
    if (known.type === 'tool.started')
      this.#change<ToolItem>(`t-${known.body.ref}`, (tool) => ({
        ...tool,
        input: known.body.input,
        cut: tool.cut?.filter((id) => id !== event.id),
      }));
    else if (known.type === 'message.received')
      this.#change<PersonItem>(known.body.message_id, (item) => ({ ...item, text: known.body.text, cut: undefined }));
    else this.#fold(event, known);
    this.said = said;
  }

  /** Adds unfinished text. */
  write(deltas: readonly Delta[]): void {
    for (const delta of deltas) this.#drafts.add(delta);
  }

  /** Goes on with the unfinished text of another part of the same log. */
  continueDrafts(of: Conversation): void {
    this.#drafts = of.#drafts;
  }

  /** Drops unfinished text: after a lost connection what was missed never comes. */
  dropDrafts(): void {
    this.#drafts.clear();
  }

  #beginsWith([first]: readonly LogEvent[]): void {
    if (!first) return;
    this.first_id = first.id;
    this.has_beginning = first.type === 'task.created';
  }

  #fold(event: LogEvent, known: KnownEvent): void {
    switch (known.type) {
      case 'task.created':
        return this.#person(event, null, { ...known.body, text: known.body.prompt });
      case 'message.received':
        return this.#person(event, known.body.message_id, known.body);
      case 'message.changed': {
        const { message_id, ...change } = known.body;
        return this.#change<PersonItem>(message_id, (person) => ({ ...person, ...change }));
      }
      case 'message.withdrawn':
        return this.#put({ kind: 'note', key: known.body.message_id, at: event.at, note: { what: 'withdrawn' } });
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
        return this.#result(event, known.body);
      default: {
        const note = noteOf(event, known);
        if (note) this.#note(event, note);
      }
    }
  }

  #person(event: LogEvent, message_id: string | null, body: Said): void {
    const { id, at } = event;
    const { text, hear = 'next_call', attachments = [] } = body;
    const heard_at = message_id === null ? at : null;
    const key = message_id ?? `e${id}`;
    const said = { text, heard_at, hear, revision: 1, attachments };
    this.#put({ kind: 'person', key, at, message_id, ...said, ...cutOf(event) });
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
      const row = { key: `e${event.id}-${i}`, at: event.at, ...cutOf(event) };
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
    const rest = { output: '', pictures: [], exit_code: undefined, duration_ms: null };
    this.#put({ kind: 'tool', key: `t-${ref}`, at: event.at, name, input, state: 'running', ...rest, ...cutOf(event) });
  }

  #toolFinished(event: LogEvent, body: Body<'tool.finished'>): void {
    const failed = body.is_error || (typeof body.exit_code === 'number' && body.exit_code !== 0);
    this.#change<ToolItem>(`t-${body.ref}`, (tool) => ({
      ...tool,
      state: failed || body.exit_code === null ? 'failed' : 'done',
      output: textOf(body.content),
      pictures: body.content.filter(isPicture),
      exit_code: body.exit_code,
      duration_ms: body.duration_ms,
      cut: [...(tool.cut ?? []).filter((id) => id !== event.id), ...(cutOf(event).cut ?? [])],
    }));
  }

  #command(event: LogEvent, step: 'setup' | 'verify', body: Omit<Body<'verify.finished'>, never>): void {
    const { id, at } = event;
    this.#put({ kind: 'command', key: `e${id}`, at, step, ...body, ...cutOf(event) });
  }

  /** A summary that the model has just said is not repeated. */
  #result(event: LogEvent, { summary, warning }: Body<'task.result'>): void {
    const { id, at } = event;
    if (warning !== undefined) this.#note(event, { what: 'log', level: 'warn', text: warning });
    if (summary.trim() === '' || this.said.includes(summary.trim())) return;
    this.#put({ kind: 'result', key: `e${id}`, at, summary, ...cutOf(event) });
  }

  #note({ id, at }: LogEvent, note: Note): void {
    this.#put({ kind: 'note', key: `e${id}-n`, at, note });
  }

  /** Adds a row, or replaces the one with its key. */
  #put(item: Item): void {
    const place = this.#places.get(item.key) ?? this.#items.length - this.#rows_in_front;
    this.#places.set(item.key, place);
    this.#items[place + this.#rows_in_front] = item;
  }

  /** The key names the kind of the row. */
  #change<T extends Item>(key: string, act: (item: T) => T): void {
    const place = this.#places.get(key);
    if (place === undefined) {
      this.#orphans.set(key, [...(this.#orphans.get(key) ?? []), (item) => act(item as T)]);
      return;
    }
    const at = place + this.#rows_in_front;
    this.#items[at] = act(this.#items[at] as T);
  }
}

/** Marks a row of an event that is not whole. */
function cutOf({ id, whole_bytes }: LogEvent): { cut?: readonly number[] } {
  return whole_bytes === undefined ? {} : { cut: [id] };
}

const isPicture = ({ type }: Block): boolean => type === 'image';

/** The text of a tool's result, without its pictures. */
function textOf(content: readonly Block[]): string {
  const words = content.filter((block) => !isPicture(block));
  return words.map(({ type, text }) => (typeof text === 'string' ? text : `[${type}]`)).join('\n');
}

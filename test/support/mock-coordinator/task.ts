import { isDeepStrictEqual } from 'node:util';
import type { NumberedEvent } from '../../../protocol/events.ts';
import { checkBranchesOfEvents, checkBranchesOfResult } from '../../../coordinator/worker-api/check-branches.ts';
import { checkResult } from '../../../coordinator/worker-api/check-result.ts';
import { checkEvents, invalid } from '../../../coordinator/worker-api/validate-events.ts';
import { newId } from '../../../protocol/ids.ts';
import { ErrandError, parse } from '../../../protocol/problem.ts';
import {
  EventsPost,
  Heartbeat,
  MessagesTake,
  ResultPost,
  TRANSCRIPT_TYPES,
  type Assignment,
  type CallbackReply,
  type Message,
  type MessagesTaken,
} from '../../../protocol/worker-schemas.ts';
import { withDefaults, type TaskAssignment } from './default-assignment.ts';
import { branchesOf } from './branches.ts';
import { giveUpUnaware } from './give-up-unaware.ts';
import { newAttempt, type Attempt, type Refusal, type Seen } from './attempt.ts';
import { checkTaken } from './check-taken.ts';
import { Questions } from './questions.ts';
import { TaskTokens } from './tokens.ts';

/**
 * A task in memory that follows the worker contract: it accepts and refuses callbacks as a coordinator must, and
 * records in `breaches` violations that cannot be refused.
 */
export class MockTask {
  readonly base: TaskAssignment;
  readonly attempts: Attempt[] = [newAttempt()];
  readonly messages: Message[] = [];
  /** The ids of the messages that a worker took with a call. */
  readonly taken = new Set<string>();
  /** The attachments, by id. */
  readonly files = new Map<string, Buffer>();
  readonly questions = new Questions();
  readonly breaches: string[] = [];
  /** The callbacks that it refused, in the words that the worker got. */
  readonly refusals: Refusal[] = [];
  /** Sees each POST of events before it is stored, and refuses it by throwing. */
  examine: ((post: EventsPost) => void) | undefined;
  cancelled: { reason: string } | null = null;
  readonly tokens: TaskTokens;
  /** Whether its replies have fields that this version of the contract does not know, as a newer coordinator's may. */
  says_more = false;
  /** Whether the next heartbeat returns a new token. */
  renews_token = false;
  /** The first attempt of the task that is carried out now. */
  #first_attempt = 1;
  #watchers: ((seen: Seen) => void)[] = [];
  #posts = 0;

  constructor(given: Partial<Assignment>) {
    this.base = withDefaults(given);
    this.messages.push(...(given.messages ?? []));
    this.tokens = new TaskTokens(this.id);
    this.tokens.add(1);
  }

  get id(): string {
    return this.base.task_id;
  }

  /** The number of the newest attempt. */
  get attempt(): number {
    return this.attempts.length;
  }

  get current(): Attempt {
    const attempt = this.attempts.at(-1);
    if (attempt === undefined) throw new Error('There is no attempt.');
    return attempt;
  }

  get events(): NumberedEvent[] {
    return this.current.events;
  }

  /** The newest token of the newest attempt. */
  get token(): string {
    return this.tokens.newest(this.attempt);
  }

  /** The assignment of the newest attempt. */
  assignment(): Assignment {
    const before = this.attempts
      .map((attempt, i) => ({ n: i + 1, events: attempt.events }))
      .slice(this.#first_attempt - 1);
    const known = before.findLast(({ events }) => events.length > 0);
    const types: readonly string[] = TRANSCRIPT_TYPES;
    return {
      ...this.base,
      attempt: this.attempt,
      token: this.token,
      transcript: before.flatMap(({ n, events }) =>
        events
          .filter(({ type }) => types.includes(type))
          .map(({ type, body }) => ({ attempt: n, type, body: { ...body } })),
      ),
      messages: this.pending(),
      ...(known && { known: { attempt: known.n, last_seq: known.events.length } }),
      ...this.#more(),
    };
  }

  /** Messages that no acknowledged `input.added` event names. */
  pending(): Message[] {
    const taken = new Set(
      this.attempts
        .flatMap(({ events }) => events)
        .map((event) => event.type === 'input.added' && event.body.message_id),
    );
    return this.messages.filter(({ id }) => !taken.has(id));
  }

  say(text: string): Message {
    const message = { id: newId(), text, at: new Date().toISOString() };
    this.messages.push(message);
    this.questions.answer();
    return message;
  }

  /** Changes a message, or withdraws it, as a person does. False: the worker has taken it. */
  change(id: string, change: Partial<Message> | null): boolean {
    if (this.taken.has(id)) return false;
    const at = this.messages.findIndex((message) => message.id === id);
    const message = this.messages[at];
    if (message) this.messages.splice(at, 1, ...(change === null ? [] : [{ ...message, ...change }]));
    return message !== undefined;
  }

  cancel(reason: string): void {
    this.cancelled = { reason };
  }

  /** Ends the attempt and starts the next: callbacks of the old one are refused from now on. */
  nextAttempt(): void {
    this.attempts.push(newAttempt());
    this.tokens.next(this.attempt);
  }

  /** Begins another task under the same id: an attempt that knows nothing of those before, on a branch of its own. */
  startAnew(prompt: string): void {
    this.nextAttempt();
    this.#first_attempt = this.attempt;
    this.messages.length = 0;
    this.breaches.length = 0;
    this.questions.clear();
    this.cancelled = null;
    const { branch_prefix } = this.base;
    Object.assign(this.base, { prompt, title: prompt.slice(0, 80), branch: `${branch_prefix}do-it-${this.attempt}` });
  }

  /** Calls `watcher` with every report from now on. Returns the function that stops it. */
  watch(watcher: (seen: Seen) => void): () => void {
    this.#watchers.push(watcher);
    return () => {
      this.#watchers = this.#watchers.filter((other) => other !== watcher);
    };
  }

  /** The attempt of a token. Throws `unauthenticated` or `stale_attempt`. */
  authenticate(token: string | undefined, call: string): number {
    const attempt = this.tokens.attemptOf(token, call);
    if (attempt !== this.attempt) throw new ErrandError('stale_attempt', 'The attempt is stale.');
    return attempt;
  }

  /** Handles a callback. Throws the errors of the contract. */
  callback(name: string, body: unknown, attempt: number): CallbackReply | MessagesTaken {
    try {
      return this.#callback(name, body, attempt);
    } catch (error) {
      if (error instanceof ErrandError) {
        const refusal = { call: name, code: error.code, words: error.message };
        this.refusals.push(refusal);
        this.#tell({ kind: 'refused', ...refusal });
      }
      throw error;
    }
  }

  #callback(name: string, body: unknown, attempt: number): CallbackReply | MessagesTaken {
    const fence = (given: number) => {
      if (given !== attempt) throw invalid('/attempt', `does not match the token, which is for attempt ${attempt}`);
      if (this.current.result !== undefined) {
        if (name !== 'result') this.#note(`A call of ${name} came after the result.`);
        throw new ErrandError('attempt_ended', 'The result is known already.');
      }
      this.current.calls.push({ name, at: performance.now() });
    };
    switch (name) {
      case 'events': {
        const post = parse(EventsPost, body);
        fence(post.attempt);
        this.examine?.(post);
        return this.store(post);
      }
      case 'messages': {
        const { ids, ...take } = parse(MessagesTake, body);
        fence(take.attempt);
        for (const id of ids) this.taken.add(id);
        return { messages: this.pending().filter(({ id }) => ids.includes(id)), ...this.#more() };
      }
      case 'heartbeat': {
        const heartbeat = parse(Heartbeat, body);
        fence(heartbeat.attempt);
        this.current.heartbeats.push(heartbeat);
        this.current.waits.push(heartbeat.waiting_for);
        this.#tell({ kind: 'heartbeat', heartbeat });
        const stale = this.tokens.get(this.token)?.expired === true;
        if (this.renews_token || stale) this.tokens.add(this.attempt);
        const token = this.renews_token || stale ? { token: this.token } : {};
        this.renews_token = false;
        return { ...this.#reply(), ...token };
      }
      case 'result': {
        const result = parse(ResultPost, body);
        fence(result.attempt);
        checkResult(result);
        checkBranchesOfResult(branchesOf(this.base), result);
        if (result.last_seq > this.events.length) throw this.#missing();
        if (result.last_seq < this.events.length)
          throw invalid('/last_seq', `is below ${this.events.length}, the newest event that has arrived`);
        if (result.status === 'parked')
          this.#note(this.questions.parkFault(this.base, this.events, this.pending().length > 0));
        if (this.#posts > 0) this.#note('The result arrived while a POST of events was in progress.');
        this.current.result = result;
        this.#tell({ kind: 'result', result });
        return this.#reply();
      }
      default:
        throw new ErrandError('not_found', `There is no callback ${name}.`);
    }
  }

  /** Notes the start of a POST of events. Returns the function that notes its end. */
  beginEventsPost(): () => void {
    if (++this.#posts > 1) this.#note('Two POSTs of events were in progress at once.');
    return () => this.#posts--;
  }

  /** Stores the events of a POST. Throws the errors of the contract; then nothing of it is stored. */
  store(post: EventsPost): CallbackReply {
    const checked = checkEvents(post.events);
    if ((post.events[0]?.seq ?? 0) > this.events.length + 1) throw this.#missing();
    const fresh: NumberedEvent[] = [];
    for (const event of post.events) {
      const stored = this.events[event.seq - 1];
      if (stored === undefined) fresh.push(event);
      else if (!isDeepStrictEqual(stored, event))
        throw new ErrandError('event_conflict', `Event ${event.seq} was sent again with different content.`);
    }
    if (this.events.length === 0 && fresh[0] !== undefined && fresh[0].type !== 'agent.started')
      this.#note(`The first event was ${fresh[0].type}, not agent.started.`);
    giveUpUnaware(this, fresh[0]);
    checkBranchesOfEvents(branchesOf(this.base), checked);
    checkTaken(this, post.events);
    for (const event of fresh) {
      this.events.push(event);
      this.questions.apply(event);
      this.#tell({ kind: 'event', event });
    }
    if (post.waiting_for !== undefined) this.current.waits.push(post.waiting_for);
    for (const delta of post.deltas) {
      this.current.deltas.push({ delta, after_seq: this.events.length });
      this.#tell({ kind: 'delta', delta });
    }
    return this.#reply();
  }

  /** Notes a violation that is not refused; null: there is none. The same one counts once. */
  #note(words: string | null): void {
    if (words === null || this.breaches.includes(words)) return;
    this.breaches.push(words);
    this.#tell({ kind: 'breach', words });
  }

  #missing(): ErrandError {
    return new ErrandError('events_missing', 'Events are missing.', { expected_seq: this.events.length + 1 });
  }

  #reply(): CallbackReply {
    const control = { messages: this.pending(), cancel: this.cancelled, ...this.#more() };
    return { acked_seq: this.events.length, control, ...this.#more() };
  }

  #more(): object {
    return this.says_more ? { said_by_a_later_version: { of: ['the contract'] } } : {};
  }

  #tell(seen: Seen): void {
    for (const watcher of this.#watchers) watcher(seen);
  }
}

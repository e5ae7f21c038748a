import { setTimeout as sleep } from 'node:timers/promises';
import type { Delta, WorkerEvent } from '../../protocol/events.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { WaitingFor } from '../../protocol/task.ts';
import type { CallbackReply, Control, Heartbeat, ResultPost } from '../../protocol/worker.ts';
import type { CoordinatorClient } from './coordinator-client.ts';
import { DeltaBuffer } from './delta-buffer.ts';
import { shorten } from './shorten-event.ts';
import type { Spool, Spooled } from './spool.ts';
import { backoffMs, untilAnswered, verdictOf } from './callback-errors.ts';
import { Waiting } from './wait-state.ts';
import type { Report } from '../base/work.ts';

/** What comes within this time of a POST goes in one with the next; the first after a pause goes at once. */
const BATCH_MS = 30;
const BATCH_BYTES = 64 * 1024;
/** Leaves room for the deltas, each character up to six bytes, and the envelope. */
const EVENTS_BYTES_MAX = LIMITS.callback_body_bytes_max - 2 * 1024 * 1024;

type Options = {
  client: CoordinatorClient;
  spool: Spool;
  attempt: number;
  heartbeat_ms: number;
  /** Called with what each reply carries: the same messages come again until they were taken in. */
  onControl: (control: Control) => void;
  /** Called once, when the coordinator wants no more of this attempt. */
  onOver: (error: unknown) => void;
};

/**
 * Reports an attempt: one loop that makes one call at a time, so that nothing can overtake. It batches, repeats what was not answered, renews the
 * lease, and brings back what the replies carry.
 */
export class Reporter implements Report {
  readonly #options: Options;
  readonly #deltas = new DeltaBuffer();
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #wake: () => void = () => {};
  #drained: (() => void)[] = [];
  #over: { error: unknown } | undefined;
  readonly #waiting = new Waiting(() => {
    this.#waiting_for_is_news = true;
    this.#wake();
  });
  #waiting_for_is_news = false;
  #posted_at = Number.NEGATIVE_INFINITY;
  #heartbeat_at = performance.now();
  #tries = 0;
  #token_was_exchanged = false;
  /** Up to this number events go one by one, to find the one that is refused. */
  #singly_until = 0;
  #replaced = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#loop = this.#run();
  }

  get waiting_for(): WaitingFor | null {
    return this.#waiting.now;
  }

  async emit(event: WorkerEvent): Promise<void> {
    const { spool } = this.#options;
    this.#deltas.settle(event);
    await spool.append(shorten(event));
    this.#wake();
  }

  delta(delta: Delta): void {
    this.#waiting.heard();
    this.#deltas.add(delta, this.#options.spool.last_seq);
    this.#wake();
  }

  waitingFor(waiting: WaitingFor | null): void {
    this.#waiting.set(waiting);
  }

  heard(): void {
    this.#waiting.heard();
  }

  /** Resolves when every event was acknowledged. Rejects when the attempt is over, or the signal aborts. */
  async drained(signal: AbortSignal): Promise<void> {
    const { spool } = this.#options;
    while (spool.acked_seq < spool.last_seq) {
      if (this.#over !== undefined) throw this.#over.error;
      await new Promise<void>((resolve, reject) => {
        signal.throwIfAborted();
        const aborted = () => reject(signal.reason);
        signal.addEventListener('abort', aborted, { once: true });
        this.#drained.push(() => {
          signal.removeEventListener('abort', aborted);
          resolve();
        });
      });
    }
    if (this.#over !== undefined) throw this.#over.error;
  }

  /**
   * The last word: posted once every event was acknowledged, again and again until it is answered. Resolves too where the result was known
   * already. Nothing can be reported afterwards.
   */
  async finish(result: Omit<ResultPost, 'attempt' | 'last_seq'>, signal: AbortSignal): Promise<void> {
    await this.drained(signal);
    await this.close();
    const { attempt, spool } = this.#options;
    const post = (given: typeof result) =>
      this.#withToken(
        () => this.#call('result', { ...given, attempt, last_seq: spool.last_seq } satisfies ResultPost, signal),
        signal,
      );
    try {
      try {
        await post(result);
      } catch (error) {
        if (verdictOf(error) !== 'malformed' || result.diff === '') throw error;
        await post({ ...result, diff: '', diff_truncated: true });
      }
    } catch (error) {
      if (verdictOf(error) !== 'ended') throw error;
    }
  }

  /** Ends the loop; what waits stays in the spool. */
  async close(): Promise<void> {
    this.#waiting.stop();
    this.#stop.abort();
    this.#wake();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted && this.#over === undefined) {
      const wait_ms = this.#waitMs();
      if (wait_ms > 0) await this.#idle(wait_ms);
      else await this.#step();
    }
  }

  /** How long until something is to be sent. */
  #waitMs(): number {
    const { spool, heartbeat_ms } = this.#options;
    const now = performance.now();
    const heartbeat = this.#heartbeat_at + heartbeat_ms - now;
    const bytes = spool.waiting_bytes + this.#deltas.chars;
    if (bytes === 0 && !this.#waiting_for_is_news) return heartbeat;
    return bytes >= BATCH_BYTES ? 0 : Math.min(heartbeat, this.#posted_at + BATCH_MS - now);
  }

  async #idle(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    this.#wake = () => {};
    clearTimeout(timer);
  }

  /** One call. What fails is judged here, and the loop goes on, later or from elsewhere. */
  async #step(): Promise<void> {
    let sent: Spooled[] = [];
    try {
      if (performance.now() >= this.#heartbeat_at + this.#options.heartbeat_ms)
        await this.#heartbeat(this.#stop.signal);
      else {
        sent = this.#batch();
        await this.#post(sent);
      }
      this.#tries = 0;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      try {
        await this.#judge(error, sent);
      } catch (fatal) {
        if (!this.#stop.signal.aborted) this.#end(fatal);
      }
    }
  }

  #batch(): Spooled[] {
    const { spool } = this.#options;
    const next = spool.acked_seq + 1;
    return spool.from(next, next <= this.#singly_until ? 1 : LIMITS.events_per_post_max, EVENTS_BYTES_MAX);
  }

  async #post(events: Spooled[]): Promise<void> {
    const { client, spool, attempt } = this.#options;
    const upto = events.at(-1)?.seq ?? spool.acked_seq;
    const deltas = this.#deltas.take(upto);
    const waiting_for = this.#waiting_for_is_news ? `,"waiting_for":${JSON.stringify(this.#waiting.now)}` : '';
    this.#waiting_for_is_news = false;
    this.#posted_at = performance.now();
    // The events' texts go as they are in the spool.
    const texts = events.map(({ text }) => text).join(',');
    const body = `{"attempt":${attempt},"events":[${texts}],"deltas":${JSON.stringify(deltas)}${waiting_for}}`;
    try {
      this.#heed(await client.callback('events', body, this.#stop.signal));
    } catch (error) {
      if (waiting_for !== '' && !(events.length === 0 && verdictOf(error) === 'malformed'))
        this.#waiting_for_is_news = true;
      throw error;
    }
    this.#token_was_exchanged = false;
    if (spool.acked_seq < upto) throw new ErrandError('unavailable', 'The coordinator did not acknowledge the events.');
  }

  async #heartbeat(signal: AbortSignal): Promise<void> {
    const { client, spool, attempt } = this.#options;
    const beat: Heartbeat = { attempt, last_seq: spool.last_seq, waiting_for: this.#waiting.now };
    const reply = await this.#call('heartbeat', beat, signal);
    this.#heartbeat_at = performance.now();
    if (reply.token !== undefined) client.token = reply.token;
    this.#heed(reply);
  }

  #call(name: 'heartbeat' | 'result', body: Heartbeat | ResultPost, signal: AbortSignal): Promise<CallbackReply> {
    return this.#options.client.callback(name, JSON.stringify(body), signal);
  }

  #heed(reply: CallbackReply): void {
    const { spool, onControl } = this.#options;
    spool.acknowledge(reply.acked_seq);
    if (spool.acked_seq === spool.last_seq) for (const resolve of this.#drained.splice(0)) resolve();
    onControl(reply.control);
  }

  async #judge(error: unknown, sent: Spooled[]): Promise<void> {
    switch (verdictOf(error)) {
      case 'again':
        this.#tries++;
        await sleep(backoffMs(this.#tries, error), undefined, { signal: this.#stop.signal });
        return;
      case 'missing':
        return this.#goTo(error);
      case 'malformed':
        return this.#replaceRefused(error, sent);
      case 'token':
        if (this.#token_was_exchanged) throw error;
        this.#token_was_exchanged = true;
        return untilAnswered(() => this.#heartbeat(this.#stop.signal), this.#stop.signal);
      case 'ended':
      case 'over':
        throw error;
    }
  }

  /** The coordinator says which number comes next. What it acknowledged once is gone from here, and cannot come again. */
  #goTo(error: unknown): void {
    const { spool } = this.#options;
    const expected = error instanceof ErrandError ? error.expected_seq : undefined;
    if (expected === undefined || expected <= spool.acked_seq || expected > spool.last_seq + 1) throw error;
    if (expected === spool.acked_seq + 1) throw error;
    spool.acknowledge(expected - 1);
  }

  /** Finds the event that is refused for ever, by what the answer names or one by one, and puts a line about it in its place. */
  #replaceRefused(error: unknown, sent: Spooled[]): void {
    const { spool } = this.#options;
    const fields = error instanceof ErrandError ? (error.errors ?? []).map(({ field }) => field) : [];
    const named = fields.flatMap((field) => /^\/events\/(\d+)/.exec(field)?.[1] ?? []).map((i) => sent[Number(i)]);
    // Deltas are dropped by their first failure, and so is a `waiting_for` that stood alone: nothing else is left to mend.
    if (sent.length === 0) return;
    const culprit = named[0] ?? (sent.length === 1 ? sent[0] : undefined);
    if (culprit === undefined) {
      this.#singly_until = sent.at(-1)?.seq ?? 0;
      return;
    }
    if (culprit.seq <= this.#replaced) throw error;
    this.#replaced = culprit.seq;
    const why = error instanceof Error ? error.message : 'no reason was given';
    const text = `An event of this attempt was refused and is left out: ${why}`.slice(0, 2000);
    spool.replace(culprit.seq, { type: 'log', body: { level: 'error', text } });
  }

  /** Makes a call until it is answered; a token that is not valid is exchanged once. */
  async #withToken(call: () => Promise<CallbackReply>, signal: AbortSignal): Promise<void> {
    try {
      await untilAnswered(call, signal);
    } catch (error) {
      if (verdictOf(error) !== 'token') throw error;
      await untilAnswered(() => this.#heartbeat(signal), signal);
      await untilAnswered(call, signal);
    }
  }

  #end(error: unknown): void {
    this.#over = { error };
    this.#options.spool.close(error instanceof Error ? error : new Error('The attempt is over.'));
    for (const resolve of this.#drained.splice(0)) resolve();
    this.#options.onOver(error);
  }
}

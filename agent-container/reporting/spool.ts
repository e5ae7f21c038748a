import { EventEmitter, once } from 'node:events';
import type { WorkerEvent } from '../../protocol/events.ts';
import { errorCode } from '../base/error-code.ts';
import { sleep } from '../base/sleep.ts';
import { SpoolFiles, spoolText, type SpooledEvent } from './spool-files.ts';

type QueuedEvent = { type: string; body: string; resolve: (seq: number) => void; reject: (reason: unknown) => void };

/** At most what the number, the time and the type add to a body. */
const ENVELOPE_BYTES = 200;
const DISK_FULL_RETRY_MS = 1_000;
const DISK_FULL_MS_MAX = 5 * 60_000;

/** The events that the coordinator has not acknowledged, in order, on disk and in memory. */
export class Spool {
  readonly #bytes_max: number;
  readonly #files: SpoolFiles;
  readonly #events: SpooledEvent[];
  /** Events that wait for room. */
  readonly #queue: QueuedEvent[] = [];
  readonly #acknowledgements = new EventEmitter();
  readonly #closed = new AbortController();
  #disk_full_since: number | undefined;
  #disk_retry_pending = false;
  /** The number of the newest event, and of the newest that was acknowledged. */
  last_seq: number;
  acked_seq: number;
  /** The size of the events that are not acknowledged. */
  waiting_bytes: number;

  /**
   * Opens the directory. Events that an earlier process of this attempt left are sent first. `bytes_max` bounds the
   * spool.
   */
  constructor(dir: string, bytes_max: number) {
    this.#bytes_max = bytes_max;
    this.#files = new SpoolFiles(dir);
    this.#events = this.#files.recovered;
    this.last_seq = this.#files.recovered_seq;
    this.acked_seq = this.last_seq - this.#events.length;
    this.waiting_bytes = this.#events.reduce((sum, event) => sum + event.bytes, 0);
  }

  /**
   * Numbers an event, in the order of the calls, and resolves with its number once it is on disk. While the spool or
   * the disk is full, the caller waits and nothing is dropped. Rejects if the disk fails, if it stays full for minutes,
   * or if the spool is closed.
   */
  append(event: WorkerEvent): Promise<number> {
    const body = JSON.stringify(event.body);
    return new Promise((resolve, reject) => {
      this.#queue.push({ type: event.type, body, resolve, reject });
      this.#writeQueued();
    });
  }

  /**
   * The events from `first_seq` on: up to `count_max` events and `bytes_max` bytes, but at least one if there is one.
   */
  read(first_seq: number, count_max: number, bytes_max: number): SpooledEvent[] {
    const start = Math.max(0, first_seq - this.acked_seq - 1);
    const batch: SpooledEvent[] = [];
    let bytes = 0;
    for (let i = start; i < this.#events.length && batch.length < count_max; i++) {
      const event = this.#events[i];
      if (event === undefined || (batch.length > 0 && bytes + event.bytes > bytes_max)) break;
      batch.push(event);
      bytes += event.bytes;
    }
    return batch;
  }

  /** Drops all events up to this number, and admits queued events into the room that this makes. */
  acknowledge(seq: number): void {
    const count = Math.min(seq, this.last_seq) - this.acked_seq;
    if (count > 0) {
      for (const event of this.#events.splice(0, count)) this.waiting_bytes -= event.bytes;
      this.acked_seq += count;
      this.#files.removeThrough(this.acked_seq);
      this.#writeQueued();
    }
    if (this.acked_seq === this.last_seq) this.#acknowledgements.emit('drained');
  }

  /** Resolves once every event is acknowledged. Rejects if the spool is closed, or when the signal aborts. */
  async drained(signal: AbortSignal): Promise<void> {
    const stopped = AbortSignal.any([this.#closed.signal, signal]);
    stopped.throwIfAborted();
    while (this.acked_seq < this.last_seq) {
      await once(this.#acknowledgements, 'drained', { signal: stopped }).catch(() => undefined);
      stopped.throwIfAborted();
    }
  }

  /** Replaces the text of an event that is not acknowledged. The file keeps the old one. */
  replace({ seq, text }: Pick<SpooledEvent, 'seq' | 'text'>): void {
    const i = seq - this.acked_seq - 1;
    const old = this.#events[i];
    if (old !== undefined) this.#events[i] = { seq, text, bytes: old.bytes };
  }

  /** Rejects all pending and future calls with this error. The files stay. */
  close(error: Error): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(error);
    this.#files.close();
    this.#writeQueued();
  }

  #writeQueued(): void {
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      const { aborted: closed } = this.#closed.signal;
      if (!closed && !this.#hasRoomFor(next)) return;
      try {
        this.#closed.signal.throwIfAborted();
        next.resolve(this.#write(next.type, next.body));
        this.#disk_full_since = undefined;
      } catch (error) {
        if (!closed && isDiskFull(error) && this.#retryWhenDiskHasRoom()) return;
        next.reject(error);
      }
      this.#queue.shift();
    }
  }

  /** An event that is larger than the whole spool is admitted into an empty one. */
  #hasRoomFor({ body }: QueuedEvent): boolean {
    const bytes = Buffer.byteLength(body) + ENVELOPE_BYTES;
    return this.waiting_bytes === 0 || this.waiting_bytes + bytes <= this.#bytes_max;
  }

  #write(type: string, body: string): number {
    const seq = this.last_seq + 1;
    const text = spoolText(seq, type, body);
    const line = Buffer.from(`${text}\n`);
    this.#files.append(seq, line);
    this.last_seq = seq;
    this.waiting_bytes += line.length;
    this.#events.push({ seq, text, bytes: line.length });
    return seq;
  }

  /**
   * Schedules another try: at once if the reserve could be released, else later. False: the disk was full for too long.
   */
  #retryWhenDiskHasRoom(): boolean {
    this.#disk_full_since ??= performance.now();
    if (performance.now() - this.#disk_full_since > DISK_FULL_MS_MAX) return false;
    const wait_ms = this.#files.reserve.release() ? 0 : DISK_FULL_RETRY_MS;
    if (this.#disk_retry_pending) return true;
    this.#disk_retry_pending = true;
    void sleep(wait_ms, this.#closed.signal)
      .then(() => {
        this.#disk_retry_pending = false;
        this.#writeQueued();
      })
      // Closed meanwhile: nothing is queued any more.
      .catch(() => undefined);
    return true;
  }
}

function isDiskFull(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

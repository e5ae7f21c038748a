import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NumberedEvent, type WorkerEvent } from '../../protocol/events.ts';

/** One event as it is on disk and as it crosses the wire. `text` is its JSON, numbered. */
export type Spooled = { seq: number; text: string; bytes: number };

type Queued = { type: string; body: string; resolve: (seq: number) => void; reject: (reason: unknown) => void };
type Segment = { first: number; path: string; bytes: number };

const Numbered = z.object({ seq: z.number() });
const SEGMENT_BYTES = 1024 * 1024;
/** What numbering adds to a body, at most. */
const ENVELOPE_BYTES = 200;
/** Between two tries on a disk that has no room, and for how long it is tried. */
const FULL_DISK_LOOK_MS = 1_000;
const FULL_DISK_MS_MAX = 5 * 60_000;
/** Kept free for the moment in which a command has filled the disk: that it did can then be reported, and the agent can delete what it wrote. */
const RESERVE_BYTES = 2 * 1024 * 1024;

/**
 * The events that the coordinator has not acknowledged, in order, on disk and in memory. The folder holds segments of JSON lines, each named
 * after its first number; a segment goes when all of it was acknowledged, the newest stays, so that the next number is always known.
 *
 * A line is written before its event counts as emitted, and not synced: it outlives the process, which is what dies. Where the machine loses
 * its power the coordinator's log is what is left, and the next attempt goes on from there.
 */
export class Spool {
  readonly #dir: string;
  readonly #bytes_max: number;
  readonly #events: Spooled[];
  readonly #segments: Segment[];
  #fd: number;
  readonly #queue: Queued[] = [];
  #later: NodeJS.Timeout | undefined;
  /** Since when the disk has had no room. */
  #full_since: number | undefined;
  #closed: Error | undefined;
  /** The number of the newest event, and of the newest that was acknowledged. */
  last_seq: number;
  acked_seq: number;
  /** What waits for an acknowledgement. */
  waiting_bytes: number;

  /** Opens the folder, or makes it; what an earlier process of the same attempt left there waits to be sent. `bytes_max` bounds what waits. */
  constructor(dir: string, bytes_max: number) {
    mkdirSync(dir, { recursive: true });
    this.#dir = dir;
    this.#bytes_max = bytes_max;
    const { segments, events } = readSegments(dir);
    const newest = segments.at(-1) ?? { first: 1, path: segmentPath(dir, 1), bytes: 0 };
    this.#segments = segments.length === 0 ? [newest] : segments;
    this.#events = events;
    this.#fd = openSync(newest.path, 'a');
    ftruncateSync(this.#fd, newest.bytes);
    this.last_seq = events.at(-1)?.seq ?? newest.first - 1;
    this.acked_seq = (events[0]?.seq ?? newest.first) - 1;
    this.waiting_bytes = events.reduce((sum, event) => sum + event.bytes, 0);
    this.#keepReserve();
  }

  /**
   * Numbers an event and keeps it; resolves with its number once it is in the file: at once, or, where the spool or its disk is full, when there
   * is room again: the agent waits, and nothing is dropped. Events get their numbers in the order of the calls. Rejects where the disk fails, or
   * is full for minutes, and where the spool was closed.
   */
  append(event: WorkerEvent): Promise<number> {
    const body = JSON.stringify(event.body);
    return new Promise((resolve, reject) => {
      this.#queue.push({ type: event.type, body, resolve, reject });
      this.#drain();
    });
  }

  #drain(): void {
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      if (this.#closed === undefined && !this.#hasRoomFor(next)) return;
      try {
        if (this.#closed !== undefined) throw this.#closed;
        next.resolve(this.#write(next.type, next.body));
        this.#full_since = undefined;
      } catch (error) {
        if (isDiskFull(error) && this.#mayWait()) return;
        next.reject(error);
      }
      this.#queue.shift();
    }
  }

  /** Takes up the reserve, or waits for room. False: it was waited for long enough. */
  #mayWait(): boolean {
    this.#full_since ??= performance.now();
    if (performance.now() - this.#full_since > FULL_DISK_MS_MAX) return false;
    const wait_ms = this.#giveUpReserve() ? 0 : FULL_DISK_LOOK_MS;
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      this.#drain();
    }, wait_ms);
    return true;
  }

  get #reserve(): string {
    return join(this.#dir, 'reserve');
  }

  #keepReserve(): void {
    try {
      if (!existsSync(this.#reserve)) writeFileSync(this.#reserve, Buffer.alloc(RESERVE_BYTES));
    } catch {
      // There is no room for one now.
      this.#giveUpReserve();
    }
  }

  #giveUpReserve(): boolean {
    const had = existsSync(this.#reserve);
    rmSync(this.#reserve, { force: true });
    return had;
  }

  /** An event that is larger than the whole spool goes into an empty one. */
  #hasRoomFor({ body }: Queued): boolean {
    const bytes = Buffer.byteLength(body) + ENVELOPE_BYTES;
    return this.waiting_bytes === 0 || this.waiting_bytes + bytes <= this.#bytes_max;
  }

  #write(type: string, body: string): number {
    const seq = this.last_seq + 1;
    const text = `{"seq":${seq},"at":"${new Date().toISOString()}","type":${JSON.stringify(type)},"body":${body}}`;
    const line = Buffer.from(`${text}\n`);
    const segment = this.#segmentFor(seq);
    try {
      for (let done = 0; done < line.length;) done += writeSync(this.#fd, line, done);
    } catch (error) {
      // A line that was half written must not stand before the next.
      ftruncateSync(this.#fd, segment.bytes);
      throw error;
    }
    segment.bytes += line.length;
    this.last_seq = seq;
    this.waiting_bytes += line.length;
    this.#events.push({ seq, text, bytes: line.length });
    return seq;
  }

  /** The events from `from` on: as many as `count_max` and `bytes_max` allow, but one at least where there is one. */
  from(from: number, count_max: number, bytes_max: number): Spooled[] {
    const start = Math.max(0, from - this.acked_seq - 1);
    const batch: Spooled[] = [];
    let bytes = 0;
    for (let i = start; i < this.#events.length && batch.length < count_max; i++) {
      const event = this.#events[i];
      if (event === undefined || (batch.length > 0 && bytes + event.bytes > bytes_max)) break;
      batch.push(event);
      bytes += event.bytes;
    }
    return batch;
  }

  /** Lets go of all events up to this number, and lets those in that wait for room. */
  acknowledge(seq: number): void {
    const count = Math.min(seq, this.last_seq) - this.acked_seq;
    if (count <= 0) return;
    for (const event of this.#events.splice(0, count)) this.waiting_bytes -= event.bytes;
    this.acked_seq += count;
    for (let next = this.#segments[1]; next && next.first <= this.acked_seq + 1; next = this.#segments[1]) {
      const old = this.#segments.shift();
      if (old) rmSync(old.path, { force: true });
    }
    this.#drain();
  }

  /** Puts another event in the place of one that the coordinator refuses for ever. The file keeps the old: a next process does the same. */
  replace(seq: number, event: WorkerEvent): void {
    const i = seq - this.acked_seq - 1;
    const old = this.#events[i];
    if (old === undefined) return;
    const text = JSON.stringify({ seq, at: new Date().toISOString(), ...event });
    this.#events[i] = { seq, text, bytes: old.bytes };
  }

  /** Refuses whatever comes, and whoever waits, with this error. The files stay. */
  close(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    clearTimeout(this.#later);
    closeSync(this.#fd);
    this.#giveUpReserve();
    this.#drain();
  }

  #segmentFor(seq: number): Segment {
    const newest = this.#segments.at(-1);
    if (newest !== undefined && newest.bytes < SEGMENT_BYTES) return newest;
    const segment = { first: seq, path: segmentPath(this.#dir, seq), bytes: 0 };
    const fd = openSync(segment.path, 'a');
    closeSync(this.#fd);
    this.#fd = fd;
    this.#segments.push(segment);
    this.#keepReserve();
    return segment;
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

const segmentPath = (dir: string, first: number) => join(dir, `${String(first).padStart(10, '0')}.jsonl`);

/**
 * What the folder holds. A last line without its end, or one that is not the next event, was being written when the process died: it never
 * counted, and all from there on is passed over.
 */
function readSegments(dir: string): { segments: Segment[]; events: Spooled[] } {
  const segments: Segment[] = [];
  const events: Spooled[] = [];
  const names = readdirSync(dir)
    .filter((name) => /^\d{10}\.jsonl$/.test(name))
    .sort();
  for (const name of names) {
    const first = Number.parseInt(name, 10);
    const expected = events.at(-1)?.seq ?? first - 1;
    const path = join(dir, name);
    if (first !== expected + 1) {
      rmSync(path);
      continue;
    }
    const segment = { first, path, bytes: 0 };
    segments.push(segment);
    for (const line of completeLines(readFileSync(path))) {
      const seq = (events.at(-1)?.seq ?? first - 1) + 1;
      if (!isEvent(line, seq)) break;
      const bytes = Buffer.byteLength(line) + 1;
      events.push({ seq, text: line, bytes });
      segment.bytes += bytes;
    }
  }
  return { segments, events };
}

function completeLines(content: Buffer): string[] {
  const end = content.lastIndexOf(0x0a);
  return end === -1 ? [] : content.toString('utf8', 0, end).split('\n');
}

/** Whether a line is the event of this number. No more is asked: what this program wrote is not refused by its next version. */
function isEvent(line: string, seq: number): boolean {
  try {
    return Numbered.parse(JSON.parse(line)).seq === seq;
  } catch {
    return false;
  }
}

/** The events in a spool that nobody has open, oldest first: what an earlier attempt left. A folder that is not there holds none. */
export function readSpool(dir: string): NumberedEvent[] {
  if (!existsSync(dir)) return [];
  return readSegments(dir).events.flatMap(({ text }) => {
    const event = NumberedEvent.safeParse(JSON.parse(text));
    return event.success ? [event.data] : [];
  });
}

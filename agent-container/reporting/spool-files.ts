import {
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NumberedEvent, type WorkerEvent } from '../../protocol/events.ts';
import { DiskReserve } from './disk-reserve.ts';

/** One event as it is stored and sent. `text` is its JSON, with its number; `bytes` counts its line on disk. */
export type SpooledEvent = { seq: number; text: string; bytes: number };

type Segment = { first_seq: number; path: string; bytes: number };

const SEGMENT_BYTES = 1024 * 1024;
/** A command may have put anything there: a pipe is not waited for, and a link not followed. */
const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
const APPEND = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
const WithSeq = z.object({ seq: z.number() });

/**
 * The spool's directory: segments of JSON lines, each named after its first event. A segment is removed once all of its
 * events are acknowledged, except the newest, so that the next number is always known.
 *
 * A line is written before its event counts as emitted, but not synced: it survives the death of the process. After a
 * power failure the coordinator's log is what remains, and the next attempt continues from there.
 */
export class SpoolFiles {
  /** The events that an earlier process left, oldest first. */
  readonly recovered: SpooledEvent[];
  readonly reserve: DiskReserve;
  readonly #dir: string;
  readonly #segments: Segment[];
  #fd: number;

  /** Opens the directory, or makes it. */
  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    this.#dir = dir;
    const { segments, events } = readSegments(dir);
    const newest = segments.at(-1) ?? { first_seq: 1, path: segmentPath(dir, 1), bytes: 0 };
    this.#segments = segments.length === 0 ? [newest] : segments;
    this.recovered = events;
    this.#fd = openSync(newest.path, APPEND);
    ftruncateSync(this.#fd, newest.bytes);
    this.reserve = new DiskReserve(join(dir, 'reserve'));
    this.reserve.acquire();
  }

  /** The number before that of the first event to append. */
  get recovered_seq(): number {
    return this.recovered.at(-1)?.seq ?? (this.#segments.at(-1)?.first_seq ?? 1) - 1;
  }

  /** Appends the line of one event. Throws if the disk fails or is full; nothing of the line remains then. */
  append(seq: number, line: Buffer): void {
    const segment = this.#segmentFor(seq);
    try {
      for (let written = 0; written < line.length;) written += writeSync(this.#fd, line, written);
    } catch (error) {
      ftruncateSync(this.#fd, segment.bytes);
      throw error;
    }
    segment.bytes += line.length;
  }

  /** Removes the segments whose events are all acknowledged. */
  removeThrough(acked_seq: number): void {
    for (let next = this.#segments[1]; next && next.first_seq <= acked_seq + 1; next = this.#segments[1]) {
      const old = this.#segments.shift();
      if (old) rmSync(old.path, { force: true });
    }
  }

  /** Releases the file and the reserve. The segments stay. */
  close(): void {
    closeSync(this.#fd);
    this.reserve.release();
  }

  #segmentFor(seq: number): Segment {
    const newest = this.#segments.at(-1);
    if (newest !== undefined && newest.bytes < SEGMENT_BYTES) return newest;
    const segment = { first_seq: seq, path: segmentPath(this.#dir, seq), bytes: 0 };
    rmSync(segment.path, { recursive: true, force: true });
    const fd = openSync(segment.path, APPEND);
    closeSync(this.#fd);
    this.#fd = fd;
    this.#segments.push(segment);
    this.reserve.acquire();
    return segment;
  }
}

/**
 * Makes the directory of a new spool with its first events, whole or not at all: it gets its name when they are
 * written. Throws if there is one of that name, or if the disk fails or is full.
 */
export function createSpool(dir: string, events: WorkerEvent[]): void {
  const unfinished = `${dir}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const lines = events.map(({ type, body }, i) => `${spoolText(i + 1, type, JSON.stringify(body))}\n`);
  writeFileSync(segmentPath(unfinished, 1), lines.join(''));
  renameSync(unfinished, dir);
}

/** An event as it is stored and sent. `body` is JSON text. */
export function spoolText(seq: number, type: string, body: string): string {
  return `{"seq":${seq},"at":"${new Date().toISOString()}","type":${JSON.stringify(type)},"body":${body}}`;
}

/** The events in a spool that no process has open, oldest first. Empty if there is no such directory. */
export function readSpool(dir: string): NumberedEvent[] {
  if (!existsSync(dir)) return [];
  return readSegments(dir).events.flatMap(({ text }) => {
    const event = NumberedEvent.safeParse(JSON.parse(text));
    return event.success ? [event.data] : [];
  });
}

const segmentPath = (dir: string, first_seq: number) => join(dir, `${String(first_seq).padStart(10, '0')}.jsonl`);

/**
 * Reads the directory up to the first line that is cut off or is not the next event: the process died while it wrote
 * that line, so the event never counted as emitted.
 */
function readSegments(dir: string): { segments: Segment[]; events: SpooledEvent[] } {
  const segments: Segment[] = [];
  const events: SpooledEvent[] = [];
  const names = readdirSync(dir)
    .filter((name) => /^\d{10}\.jsonl$/.test(name))
    .sort();
  for (const name of names) {
    const first_seq = Number.parseInt(name, 10);
    const last_seq = events.at(-1)?.seq ?? first_seq - 1;
    const path = join(dir, name);
    if (first_seq !== last_seq + 1 || !lstatSync(path).isFile()) {
      rmSync(path, { recursive: true, force: true });
      continue;
    }
    const segment = { first_seq, path, bytes: 0 };
    segments.push(segment);
    for (const line of completeLines(readFileSync(path))) {
      const seq = (events.at(-1)?.seq ?? first_seq - 1) + 1;
      if (!hasSeq(line, seq)) break;
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

/**
 * Whether a line is the event of this number. Its body is not checked: a newer version must accept what an older one
 * wrote.
 */
function hasSeq(line: string, seq: number): boolean {
  try {
    return WithSeq.parse(JSON.parse(line)).seq === seq;
  } catch {
    return false;
  }
}

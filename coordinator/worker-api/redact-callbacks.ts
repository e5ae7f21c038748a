import { z } from 'zod';
import { ContentBlock, NumberedEvent, type Delta } from '../../protocol/events.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { ResultPost, type Heartbeat } from '../../protocol/worker-schemas.ts';
import type { Redactor } from '../base/redactor.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { CheckedPost } from './read-callbacks.ts';
import { actsOn, invalid, type CheckedEvent } from './validate-events.ts';

/** The streams of one task whose ends are kept. A worker has a few at once: a turn, and the calls of tools. */
const STREAMS_MAX = 32;
const DELTA_CHARS_MAX = 64 * 1024;

/**
 * Redacts the secrets of a task from what its worker sends, before anything of it is stored, relayed or logged. The
 * worker does so itself, but any process in its container may send callbacks. Calls of tasks without secrets cost one
 * look-up.
 */
export class CallbackRedaction {
  readonly #redactorOf: (task_id: string) => Redactor | undefined;
  /** By task and stream: the end of the deltas so far that may be the first part of a secret. */
  readonly #held = new Map<string, Map<string, string>>();

  constructor(log: EventLog, redactorOf: (task_id: string) => Redactor | undefined) {
    this.#redactorOf = redactorOf;
    log.subscribe('attempt.ended', ({ task_id }) => this.#held.delete(task_id));
  }

  /** Throws `invalid` where a secret stands in a field that can hold no mask. */
  events(task_id: string, post: CheckedPost): CheckedPost {
    const redactor = this.#redactorOf(task_id);
    if (!redactor) return post;
    return {
      ...post,
      events: post.events.map((event, index) => redactEvent(redactor, event, index)),
      deltas: post.deltas.flatMap((delta) => this.#delta(redactor, task_id, delta)),
      ...(post.waiting_for && { waiting_for: redactor.redactValue(post.waiting_for) }),
    };
  }

  heartbeat(task_id: string, heartbeat: Heartbeat): Heartbeat {
    return this.#redactorOf(task_id)?.redactValue(heartbeat) ?? heartbeat;
  }

  /** Throws `invalid` as `events` does. */
  result(task_id: string, result: ResultPost): ResultPost {
    const redactor = this.#redactorOf(task_id);
    if (!redactor || redactor.redactValue(result) === result) return result;
    for (const short of [false, true]) {
      const { repositories, ...first } = result;
      const redacted = ResultPost.safeParse({
        ...redactOutcome(redactor, first, short),
        ...(repositories && { repositories: repositories.map((each) => redactOutcome(redactor, each, short)) }),
      });
      if (redacted.success && diffBytes(redacted.data) <= LIMITS.diff_bytes_max) return redacted.data;
    }
    throw invalid('/', NO_PLACE);
  }

  /** The error with its texts redacted: they may name what was sent. */
  error(task_id: string, error: unknown): unknown {
    const redactor = this.#redactorOf(task_id);
    if (!redactor || !(error instanceof ErrandError)) return error;
    const { code, message, errors, expected_seq, retry_after_s } = error;
    const redacted = redactor.redactValue({ message, errors });
    if (redacted.message === message && redacted.errors === errors) return error;
    return new ErrandError(code, redacted.message, {
      ...(redacted.errors && { errors: redacted.errors }),
      ...(expected_seq !== undefined && { expected_seq }),
      ...(retry_after_s !== undefined && { retry_after_s }),
    });
  }

  /** The delta with what was held back before it, and without what may be the first part of a secret. */
  #delta(redactor: Redactor, task_id: string, delta: Delta): Delta[] {
    const streams = this.#held.get(task_id) ?? new Map<string, string>();
    const stream = `${delta.kind} ${delta.ref}`;
    const { redacted, held } = redactor.redactPart((streams.get(stream) ?? '') + delta.text);
    streams.delete(stream);
    if (held !== '') this.#held.set(task_id, streams.set(stream, held));
    const [oldest] = streams.keys();
    if (streams.size > STREAMS_MAX && oldest !== undefined) streams.delete(oldest);
    const count = Math.ceil(redacted.length / DELTA_CHARS_MAX);
    const ref = redactor.redact(delta.ref);
    return Array.from({ length: count }, (_, i) => ({
      ...delta,
      ref,
      text: redacted.slice(i * DELTA_CHARS_MAX, (i + 1) * DELTA_CHARS_MAX),
    }));
  }
}

/** Fields of a result that name what is on the forge already, and which the coordinator itself needs. */
type Names = { branch: string | null; commit: string | null; base_commit: string | null; key?: string };

/** What a result says of one repository. Its names stay. */
function redactOutcome<T extends Names>(redactor: Redactor, outcome: T, short: boolean): T {
  const { branch, commit, base_commit, key } = outcome;
  const redacted = redactor.redactValue(outcome, short);
  return { ...redacted, branch, commit, base_commit, ...(key !== undefined && { key }) };
}

function diffBytes({ diff, repositories = [] }: ResultPost): number {
  return [{ diff }, ...repositories].reduce((sum, each) => sum + Buffer.byteLength(each.diff), 0);
}

const NO_PLACE = 'has a secret of the project in a place where it cannot be redacted';

const Fields = z.record(z.string(), z.unknown());
/** The fields that name what is on the forge already, and which the coordinator itself needs. */
const KEPT_FIELDS = ['repository', 'branch', 'base_branch', 'commit', 'base_commit'];

function redactEvent(redactor: Redactor, event: CheckedEvent, index: number): CheckedEvent {
  if (!redactor.isIn(event.body)) return event;
  const { seq, at, type, body: sent } = event;
  const fields = Object.entries(Fields.parse(JSON.parse(sent)));
  const kept = Object.fromEntries(fields.filter(([name]) => KEPT_FIELDS.includes(name)));
  const texts = Object.fromEntries(fields.filter(([name]) => !KEPT_FIELDS.includes(name)));
  for (const short of [false, true]) {
    const body = { ...withoutSignatures(texts, redactor.redactValue(texts, short)), ...kept };
    const redacted = NumberedEvent.safeParse({ seq, at, type, body });
    const text = JSON.stringify(body);
    if (redacted.success && Buffer.byteLength(text) <= LIMITS.event_bytes_max)
      return { seq, at, type, body: text, acts: actsOn(redacted.data), sent };
  }
  throw invalid(`/events/${index}/body`, NO_PLACE);
}

/**
 * The API refuses thinking that was changed, so its signature is removed as well: the worker leaves such a block out of
 * the conversation.
 */
function withoutSignatures(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  const [old, content] = [before['content'], after['content']];
  if (!Array.isArray(old) || !Array.isArray(content)) return after;
  const isThinking = (block: unknown) => ContentBlock.safeParse(block).data?.type === 'thinking';
  const blocks = content.map((block: object, i) =>
    block !== old[i] && isThinking(block) ? { ...block, signature: '' } : block,
  );
  return { ...after, content: blocks };
}

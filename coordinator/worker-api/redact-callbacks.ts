import { ContentBlock, NumberedEvent, type Delta } from '../../protocol/events.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ResultPost } from '../../protocol/worker-schemas.ts';
import type { Redactor } from '../base/redactor.ts';
import { actsOn, invalid, type CheckedEvent } from './validate-events.ts';

/*
 * Redacts the secrets of a task from what its worker sends, before anything of it is stored, relayed or logged. The
 * worker does so itself, but any process in its container may send callbacks.
 */

/** The streams of one task whose ends are kept. A worker has a few at once: a turn, and the calls of tools. */
const STREAMS_MAX = 32;
/** What is held back of all streams of one task. The longest secret has room. */
const HELD_CHARS_MAX = 64 * 1024;
const DELTA_CHARS_MAX = 64 * 1024;

/** By stream of deltas: its end so far, which may be the first part of a secret. */
export type HeldBack = ReadonlyMap<string, string>;

/**
 * Redacts deltas: of each stream one text with what was held back before it, and without what may be the first part
 * of a secret, which is in the new `held`.
 */
export function redactDeltas(
  redactor: Redactor,
  before: HeldBack,
  deltas: Delta[],
): { deltas: Delta[]; held: HeldBack } {
  const held = new Map(before);
  const redacted = [...Map.groupBy(deltas, streamOf)].flatMap(([stream, [first, ...others]]) => {
    if (!first) return [];
    const sent = (held.get(stream) ?? '') + first.text + others.map(({ text }) => text).join('');
    const part = redactor.redactPart(sent);
    held.delete(stream);
    if (part.held !== '') held.set(stream, part.held);
    return cutDelta({ ...first, ref: redactor.redact(first.ref) }, part.redacted);
  });
  dropOldest(held);
  return { deltas: redacted, held };
}

const streamOf = ({ kind, ref }: Delta): string => `${kind} ${ref}`;

function cutDelta(delta: Delta, text: string): Delta[] {
  const count = Math.ceil(text.length / DELTA_CHARS_MAX);
  return Array.from({ length: count }, (_, i) => ({
    ...delta,
    text: text.slice(i * DELTA_CHARS_MAX, (i + 1) * DELTA_CHARS_MAX),
  }));
}

function dropOldest(held: Map<string, string>): void {
  let chars = held.values().reduce((sum, { length }) => sum + length, 0);
  for (const [stream, { length }] of held) {
    if (held.size <= STREAMS_MAX && chars <= HELD_CHARS_MAX) return;
    held.delete(stream);
    chars -= length;
  }
}

/** Throws `invalid` where a secret stands in a field that can hold no mask. */
export function redactResult(redactor: Redactor, result: ResultPost): ResultPost {
  if (redactor.redactValue(result) === result) return result;
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

/** The fields that name what is on the forge already, and which the coordinator itself needs. */
const KEPT_FIELDS = ['repository', 'branch', 'base_branch', 'commit', 'base_commit'];

/** `event`: the same as it was sent. Throws `invalid` where a secret stands in a field that can hold no mask. */
export function redactEvent(
  redactor: Redactor,
  checked: CheckedEvent,
  event: NumberedEvent,
  index: number,
): CheckedEvent {
  if (redactor.redactValue(event.body) === event.body) return checked;
  const { seq, at, type, body: sent } = checked;
  const fields = Object.entries(event.body);
  const kept = Object.fromEntries(fields.filter(([name]) => KEPT_FIELDS.includes(name)));
  const texts: Record<string, unknown> = Object.fromEntries(fields.filter(([name]) => !KEPT_FIELDS.includes(name)));
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

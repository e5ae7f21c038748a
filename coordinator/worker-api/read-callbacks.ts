import { z } from 'zod';
import { shapeOf } from '../../protocol/json-shape.ts';
import { parseJson } from '../base/json-body.ts';
import { Redactor } from '../base/redactor.ts';
import { job } from '../base/threads.ts';
import { Delta, NumberedEvent } from '../../protocol/events.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { parseWhole } from '../../protocol/parse-whole.ts';
import { parse } from '../../protocol/problem.ts';
import { EventsPost, Heartbeat, MessagesTake, ResultPost } from '../../protocol/worker-schemas.ts';
import type { Redaction } from './callback-redaction.ts';
import { outcomesOf } from './claimed-pushes.ts';
import { redactDeltas, redactEvent, redactResult, type HeldBack } from './redact-callbacks.ts';
import { checkEvents, type CheckedEvent } from './validate-events.ts';

/**
 * The body of an `events` callback, with everything checked that the body alone tells, and without secrets. `held`:
 * what was held back of its deltas; absent: there is nothing to redact.
 */
export type CheckedPost = Pick<EventsPost, 'attempt' | 'deltas' | 'waiting_for'> & {
  events: CheckedEvent[];
  held?: HeldBack;
};

const SHAPE = shapeOf(LIMITS.callback_body_nodes_max);

/** `EventsPost`, but for what its arrays hold. */
const Envelope = EventsPost.extend({
  events: z.array(z.unknown()).max(LIMITS.events_per_post_max),
  deltas: z.array(z.unknown()).max(LIMITS.deltas_per_post_max).default([]),
});

/**
 * Reads the body of an `events` callback. Throws `invalid` or `too_large`, which names the first event that is wrong:
 * those after it are not looked at.
 */
function readEvents(json: Buffer, redaction?: Redaction): CheckedPost {
  const { events, deltas, ...post } = parseWhole(Envelope, parseJson(json, SHAPE));
  const numbered = events.map((event, i) => parseWhole(NumberedEvent, event, 'The request', `/events/${i}`));
  const checked = {
    ...post,
    events: checkEvents(numbered),
    deltas: deltas.map((delta, i) => parse(Delta, delta, 'The request', `/deltas/${i}`)),
  };
  return redaction ? redactPost(redaction, checked, numbered) : checked;
}

function redactPost({ secrets, held }: Redaction, post: CheckedPost, numbered: NumberedEvent[]): CheckedPost {
  const redactor = new Redactor(secrets);
  const { waiting_for } = post;
  return {
    ...post,
    events: post.events.flatMap((checked, i) => {
      const event = numbered[i];
      return event ? redactEvent(redactor, checked, event, i) : [];
    }),
    ...redactDeltas(redactor, held, post.deltas),
    ...(waiting_for && { waiting_for: redactor.redactValue(waiting_for) }),
  };
}

/** Reads the body of a `heartbeat` callback. */
function readHeartbeat(json: Buffer, redaction?: Redaction): Heartbeat {
  const heartbeat = parseWhole(Heartbeat, parseJson(json, SHAPE));
  return redaction ? new Redactor(redaction.secrets).redactValue(heartbeat) : heartbeat;
}

/** Reads the body of a `messages` callback. */
function readTake(json: Buffer): MessagesTake {
  return parse(MessagesTake, parseJson(json, SHAPE));
}

/** The body of a `result` callback, without secrets. `had_secret`: one stood in a line that a diff adds. */
export type CheckedResult = { result: ResultPost; had_secret: boolean };

/** Reads the body of a `result` callback. */
function readResult(json: Buffer, redaction?: Redaction): CheckedResult {
  const sent = parseWhole(ResultPost, parseJson(json, SHAPE));
  if (!redaction) return { result: sent, had_secret: false };
  const redactor = new Redactor(redaction.secrets);
  const result = redactResult(redactor, sent);
  const added = outcomesOf(sent).map(({ diff }) => addedLines(diff));
  return { result, had_secret: redactor.redactValue(added) !== added };
}

/** What a diff puts into files, with the names of new ones: a secret in another line of it was there before. */
function addedLines(diff: string): string {
  const lines = diff.split('\n');
  let in_hunk = false;
  const added = lines.filter((line, i) => {
    // No line of a file stands in a diff without a character before it.
    if (/^(?:diff|@@) /.test(line)) in_hunk = line.startsWith('@@');
    const is_old_name = !in_hunk && line.startsWith('+++ ') && lines[i - 1] !== '--- /dev/null';
    return line.startsWith('+') && !is_old_name;
  });
  return added.join('\n');
}

/* The same for `BodyReader`. */
export const EVENTS = job('coordinator/worker-api/read-callbacks.ts', 'EVENTS', readEvents);
export const HEARTBEAT = job('coordinator/worker-api/read-callbacks.ts', 'HEARTBEAT', readHeartbeat);
export const RESULT = job('coordinator/worker-api/read-callbacks.ts', 'RESULT', readResult);
export const TAKE = job('coordinator/worker-api/read-callbacks.ts', 'TAKE', readTake);

import { on } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { ErrandError } from '../../protocol/problem.ts';
import { within } from './deadline.ts';

/** How long a body may pause, and how long all of it may take. */
export type BodyPace = { idle_ms: number; total_ms: number };

/** Chunks that wait to be taken. Above the first number the sender is paused, below the second it goes on. */
const WAITING = { highWaterMark: 16, lowWaterMark: 8 };

/**
 * The chunks of a large body, as fast as they are taken. Throws `unavailable` if it pauses for too long, so that the
 * client sends it again, and `invalid` if all of it takes too long or it ends early. A body that is not taken to its
 * end stays readable: see `discardBody`.
 */
export async function* bodyChunks(request: IncomingMessage, { idle_ms, total_ms }: BodyPace): AsyncGenerator<Buffer> {
  if (request.destroyed) throw endedEarly();
  const ends_at = performance.now() + total_ms;
  const chunks: AsyncIterator<Buffer[]> = on(request, 'data', { ...WAITING, close: ['end', 'close'] });
  try {
    for (;;) {
      const left_ms = ends_at - performance.now();
      const next = left_ms > 0 ? await within(Math.min(idle_ms, left_ms), nextOf(chunks)) : undefined;
      if (next === undefined && idle_ms < left_ms)
        throw new ErrandError('unavailable', `Nothing of the body came for ${idle_ms / 1000} seconds: send it again.`);
      if (next === undefined)
        throw new ErrandError('invalid', `The body did not arrive within ${total_ms / 1000} seconds.`);
      if (next.done) break;
      yield* next.value;
    }
  } finally {
    await chunks.return?.();
  }
  if (!request.readableEnded) throw endedEarly();
}

async function nextOf(chunks: AsyncIterator<Buffer[]>): Promise<IteratorResult<Buffer[]>> {
  try {
    return await chunks.next();
  } catch (cause) {
    throw endedEarly(cause);
  }
}

const endedEarly = (cause?: unknown) => new ErrandError('invalid', 'The body ended early.', { cause });

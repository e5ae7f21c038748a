import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from './script.ts';

/** Writes the frames up to the fault. */
export async function writeFrames(
  response: ServerResponse,
  frames: Iterable<string>,
  fault: Fault | undefined,
  closing: AbortSignal,
): Promise<void> {
  let events = 0;
  let room = fault && 'at_byte' in fault ? fault.at_byte : Infinity;
  for (const frame of frames) {
    if (response.destroyed) return;
    if (fault?.fault === 'drip') await pause(fault.pause_ms, undefined, { signal: closing });
    if (fault?.fault === 'error_event' && events === fault.after_events) {
      const { type, message } = fault;
      response.end(
        `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message, details: null } })}\n\n`,
      );
      return;
    }
    const bytes = Buffer.from(frame);
    if (bytes.length > room) {
      await new Promise((resolve) => response.write(bytes.subarray(0, room), resolve));
      if (fault?.fault === 'cut') response.destroy();
      else if (fault?.fault === 'end') response.end();
      else await once(response, 'close');
      return;
    }
    room -= bytes.length;
    events++;
    if (!response.write(bytes)) await drained(response);
  }
  response.end();
}

async function drained(response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once('drain', resolve).once('close', resolve);
  await promise;
  response.off('drain', resolve).off('close', resolve);
}

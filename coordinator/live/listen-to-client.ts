import type { RawData, WebSocket } from 'ws';
import { ErrandError, parse } from '../../protocol/problem.ts';
import { ClientFrame, CLOSE } from '../../protocol/socket.ts';
import type { Rate } from '../base/rate.ts';
import { encode } from './frames.ts';
import type { Feed } from './feed.ts';

/**
 * Passes the client's subscriptions to the feed. Replies to an invalid frame with an error frame; closes a client that
 * does not subscribe within `subscribe_ms`. `rate`: how often each user may subscribe. `fail` gets every error that is not the client's.
 */
export function listenToClient(
  socket: WebSocket,
  feed: Feed,
  { subscribe_ms, rate }: { subscribe_ms: number; rate: Rate },
  fail: (error: unknown) => void,
): void {
  const unsubscribed = setTimeout(() => feed.close(CLOSE.bad_frame, 'no subscribe frame in time'), subscribe_ms);
  socket.once('close', () => clearTimeout(unsubscribed));
  socket.on('message', (data) => {
    try {
      const { after, task_id } = readFrame(data);
      rate.take(feed.user_id);
      clearTimeout(unsubscribed);
      feed.subscribe(after, task_id).catch(fail);
    } catch (error) {
      if (!(error instanceof ErrandError)) return fail(error);
      feed.reply(encode({ type: 'error', code: error.code, message: error.message }));
    }
  });
}

function readFrame(data: RawData): ClientFrame {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.isBuffer(data) ? data.toString() : '');
  } catch (error) {
    throw new ErrandError('invalid', 'The frame is not JSON.', { cause: error });
  }
  return parse(ClientFrame, json, 'The frame');
}

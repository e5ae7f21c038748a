import type { RawData, WebSocket } from 'ws';
import { ErrandError, parse } from '../../protocol/problem.ts';
import { ClientFrame, CLOSE } from '../../protocol/socket.ts';
import type { Rate } from '../base/rate.ts';
import type { Db } from '../sqlite/database.ts';
import { requireTask } from '../tasks/task-commands.ts';
import { encode } from './frames.ts';
import type { Feed } from './feed.ts';
import type { LightFeed } from './light-feed.ts';
import { AllStream, LogStream, TasksStream } from './streams.ts';

type Dependencies = { db: Db; light: LightFeed; subscribe_ms: number; logs_max: number; rate: Rate };
type Subscribe = Extract<ClientFrame, { type: 'subscribe' }>;

/**
 * Passes the client's subscriptions to the feed. Replies to an invalid frame with an error frame; closes a client that
 * does not subscribe within `subscribe_ms`. `rate`: how often each user may subscribe. `fail` gets every error that is
 * not the client's.
 */
export function listenToClient(
  socket: WebSocket,
  feed: Feed,
  deps: Dependencies,
  fail: (error: unknown) => void,
): void {
  const unsubscribed = setTimeout(() => feed.close(CLOSE.bad_frame, 'no subscribe frame in time'), deps.subscribe_ms);
  socket.once('close', () => clearTimeout(unsubscribed));
  socket.on('message', (data) => {
    let task_id: string | undefined;
    try {
      const frame = readFrame(data);
      task_id = frame.task_id;
      if (frame.type === 'unsubscribe') return feed.unsubscribe(frame.scope, frame.task_id);
      deps.rate.take(feed.user_id);
      const stream = openStream(feed, frame, deps);
      clearTimeout(unsubscribed);
      feed.subscribe(stream).catch(fail);
    } catch (error) {
      if (!(error instanceof ErrandError)) return fail(error);
      const { code, message } = error;
      feed.reply(encode({ type: 'error', code, message, ...(task_id !== undefined && { task_id }) }));
    }
  });
}

function openStream(
  feed: Feed,
  { scope = 'all', after, task_id, bodies = 'short' }: Subscribe,
  { db, light, logs_max }: Dependencies,
): AllStream | TasksStream | LogStream {
  const { user_id } = feed;
  switch (scope) {
    case 'all':
      return new AllStream(db, user_id, after, task_id);
    case 'tasks':
      return new TasksStream(db, light, user_id, after);
    case 'log':
      if (task_id === undefined) throw new ErrandError('invalid', 'A subscription to a log needs its task_id.');
      requireTask(db, user_id, task_id);
      if (!feed.logOf(task_id) && feed.logs >= logs_max)
        throw new ErrandError('conflict', `A socket follows at most ${logs_max} logs: unsubscribe from another first.`);
      return new LogStream(db, task_id, after, bodies);
  }
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

import type { WebSocket } from 'ws';
import { shapeFault, type ShapeLimits } from '../../protocol/json-shape.ts';
import { ErrandError, parse, type ErrorCode } from '../../protocol/problem.ts';
import { ClientFrame, CLOSE } from '../../protocol/socket.ts';
import type { ByteBudget } from '../base/byte-budget.ts';
import type { Rate } from '../base/rate.ts';
import type { Db } from '../sqlite/database.ts';
import { requireTask } from '../tasks/task-commands.ts';
import { encode } from './frames.ts';
import { FRAME_COST_BYTES, type Feed, type SocketLimits } from './feed.ts';
import type { LightFeed } from './light-feed.ts';
import { AllStream, LogStream, TasksStream } from './streams.ts';

type Dependencies = {
  db: Db;
  light: LightFeed;
  limits: SocketLimits;
  /** How often each user may subscribe. */
  subscribes: Rate;
  /** What the frames of each user may take. */
  frames: ByteBudget;
  /** Called once for a socket that is closed because of what it sent. */
  onRefused: (code: ErrorCode) => void;
};
type Subscribe = Extract<ClientFrame, { type: 'subscribe' }>;

/** No frame of a client needs more. */
const SHAPE: ShapeLimits = { depth_max: 2, nodes_max: 32, elements_max: 8, keys_max: 8 };
/** A pong replies to a ping of ours, and costs next to nothing. */
const PONG_BYTES = 16;

/**
 * Passes the client's subscriptions to the feed. Replies to an invalid frame with an error frame. Closes a client that
 * does not subscribe in time, sends more than its user may, or too many frames that are not valid. `fail` gets every
 * error that is not the client's.
 */
export function listenToClient(
  socket: WebSocket,
  feed: Feed,
  deps: Dependencies,
  fail: (error: unknown) => void,
): void {
  const { socket_subscribe_ms, bad_frames_max } = deps.limits;
  const unsubscribed = setTimeout(() => feed.close(CLOSE.bad_frame, 'no subscribe frame in time'), socket_subscribe_ms);
  socket.once('close', () => clearTimeout(unsubscribed));
  let bad_frames = 0;
  const refuse = (code: ErrorCode, reason: string): void => {
    deps.onRefused(code);
    feed.close(CLOSE.bad_frame, reason);
  };

  /** Runs `work` at the expense of the user. What arrives while the socket closes is dropped. */
  const charge = (bytes: number, work: () => void = () => undefined): void => {
    if (socket.readyState !== socket.OPEN) return;
    const started_at = performance.now();
    try {
      deps.frames.admit(feed.user_id);
      deps.frames.spend(feed.user_id, bytes);
    } catch {
      return refuse('rate_limited', 'too many frames');
    }
    work();
    deps.frames.spendTime(feed.user_id, performance.now() - started_at);
  };

  const take = (bytes: Buffer): void => {
    let task_id: string | undefined;
    try {
      const frame = readFrame(bytes);
      task_id = frame.task_id;
      if (frame.type === 'unsubscribe') return feed.unsubscribe(frame.scope, frame.task_id);
      deps.subscribes.take(feed.user_id);
      const stream = openStream(feed, frame, deps);
      clearTimeout(unsubscribed);
      feed.subscribe(stream).catch(fail);
    } catch (error) {
      if (!(error instanceof ErrandError)) return fail(error);
      const { code, message } = error;
      if (code === 'invalid' && ++bad_frames >= bad_frames_max)
        return refuse('invalid', 'too many frames that are not valid');
      feed.reply(encode({ type: 'error', code, message, ...(task_id !== undefined && { task_id }) }));
    }
  };

  socket.on('message', (data) => {
    const bytes = Buffer.isBuffer(data) ? data : Buffer.alloc(0);
    charge(bytes.length + FRAME_COST_BYTES, () => take(bytes));
  });
  // The library has replied already.
  socket.on('ping', () => charge(FRAME_COST_BYTES));
  socket.on('pong', () => charge(PONG_BYTES));
}

function openStream(
  feed: Feed,
  { scope = 'all', after, task_id, bodies = 'short' }: Subscribe,
  { db, light, limits }: Dependencies,
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
      if (!feed.logOf(task_id) && feed.logs >= limits.socket_logs_max)
        throw new ErrandError(
          'conflict',
          `A socket follows at most ${limits.socket_logs_max} logs: unsubscribe from another first.`,
        );
      return new LogStream(db, task_id, after, bodies);
  }
}

function readFrame(bytes: Buffer): ClientFrame {
  const fault = shapeFault(bytes, SHAPE);
  if (fault !== undefined) throw new ErrandError('invalid', `The frame ${fault}.`);
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch (error) {
    throw new ErrandError('invalid', 'The frame is not JSON.', { cause: error });
  }
  return parse(ClientFrame, json, 'The frame');
}

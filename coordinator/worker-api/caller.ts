import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ResultPost } from '../../protocol/worker-schemas.ts';
import type { ClaimedPush, PushState } from './claimed-pushes.ts';

/** The attempt that makes a call, once its token and its database row have been checked. */
export type Caller = {
  task_id: string;
  user_id: string;
  attempt: number;
  /** Aborts when the attempt ends. Every request that is being forwarded for it then stops. */
  signal: AbortSignal;
};

/**
 * Writes an error in the format that the proxy's clients understand. The response head has not been sent; this ends
 * the response.
 */
export type ErrorWriter = (response: ServerResponse, error: unknown, request_id: string) => void;

/** A proxy that forwards a worker's requests to the Claude API or to the git repository. */
export type WorkerProxy = {
  /**
   * Forwards one request and streams the response back. `path` is the part of the URL after `/llm` or `/git`, with
   * its query. An error that it throws before the response head was sent is written to the response.
   */
  forward: (request: IncomingMessage, response: ServerResponse, caller: Caller, path: string) => Promise<void>;
  /** By default an error becomes a problem document. */
  writeError?: ErrorWriter;
  /** A result of an attempt, with what the proxy knows better than its worker. By default it knows nothing. */
  correct?: (attempt: Pick<Caller, 'task_id' | 'attempt'>, result: ResultPost) => ResultPost;
  /** What the repository says of a push, until `deadline` aborts. By default it lacks the commit. */
  findPush?: (caller: Caller, push: ClaimedPush, deadline: AbortSignal) => Promise<PushState>;
};

/**
 * The forward proxy: opens a tunnel for a CONNECT request. It writes its own responses to the socket, refusals too.
 */
export type TunnelProxy = {
  open: (request: IncomingMessage, socket: Duplex, head: Buffer, caller: Caller) => Promise<void>;
};

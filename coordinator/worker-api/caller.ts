import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** Who calls the internal API, once its token and its attempt's row have been checked. */
export type Caller = {
  task_id: string;
  user_id: string;
  attempt: number;
  /** Aborts when the attempt ends: whatever is carried for it is cut off then. */
  signal: AbortSignal;
};

/**
 * Carries a worker's request on to somewhere else: the Claude API, the forge. `path` is what follows `/llm` or `/git`, with its query.
 * What it throws before the answer's head was sent becomes the answer.
 */
type ProxyHandler = (request: IncomingMessage, response: ServerResponse, caller: Caller, path: string) => Promise<void>;

/** Carries a CONNECT of the forward proxy. It answers on the socket itself, refusals included. */
export type TunnelHandler = (request: IncomingMessage, socket: Duplex, head: Buffer, caller: Caller) => Promise<void>;

/** Writes an error in the form that a surface's clients understand. The head has not been sent; it ends the response. */
export type ErrorWriter = (response: ServerResponse, error: unknown, request_id: string) => void;

/** A carried surface. Without an `ErrorWriter` its errors are problem documents. */
export type WorkerProxy = { carry: ProxyHandler; writeError?: ErrorWriter };

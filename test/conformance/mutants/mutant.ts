import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Assignment } from '../../../protocol/worker-schemas.ts';

export type Call = { method: 'GET' | 'POST'; path: string; headers: IncomingHttpHeaders; body: Buffer | null };
export type Reply = { status: number; headers: OutgoingHttpHeaders; body: Buffer };
/** Sends a call to the side that it was meant for. Rejects if it cannot be reached. */
export type Forward = (call: Call) => Promise<Reply>;
export type Handler = (call: Call, forward: Forward) => Promise<Reply>;

/** A worker that breaks one rule of the contract. */
export type Mutant = {
  /** What it does wrong. */
  name: string;
  /** The name of the rule that must fail. */
  rule: string;
  /** What the rule's message must say. */
  says: RegExp;
  /** Stands between the coordinator and the worker's server. */
  to_worker?: Handler;
  /** Stands between the worker and the coordinator. */
  to_coordinator?: Handler;
  /** Runs before the worker starts. */
  prepare?: () => void;
};

/** A reply in place of the other side's. */
export function answer(status: number, body: object = {}): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(body)) };
}

/** Answers the calls of this path itself. `null`: this one is forwarded. */
export function answering(path: string, reply: (call: Call, nth: number) => Reply | null): Handler {
  let nth = 0;
  return async (call, forward) => (call.path === path ? reply(call, ++nth) : null) ?? forward(call);
}

/** Changes the JSON of the calls whose path ends like this. */
export function changingCall(path: string, change: (body: Json) => Json): Handler {
  return (call, forward) => {
    if (!call.path.endsWith(path) || call.body === null) return forward(call);
    const body = parseJson(call.body);
    return forward(body === undefined ? call : { ...call, body: toBuffer(change(body)) });
  };
}

/** Changes the JSON of the replies to the calls whose path ends like this. */
export function changingReply(path: string, change: (body: Json) => Json): Handler {
  return async (call, forward) => {
    const reply = await forward(call);
    const body = call.path.endsWith(path) ? parseJson(reply.body) : undefined;
    return body === undefined ? reply : { ...reply, body: toBuffer(change(body)) };
  };
}

/** Answers with another status in place of this error. */
export function turning(code: string, status: number, other_code = 'unavailable'): Handler {
  return async (call, forward) => {
    const reply = await forward(call);
    const is_it = reply.status >= 400 && parseJson(reply.body)?.code === code;
    return is_it ? answer(status, { code: other_code, title: 'Changed', status }) : reply;
  };
}

/** Changes the assignment that is handed over. A body that is none stays as it is. */
export const assigning = (change: Partial<Assignment> | ((given: Json) => Json)): Handler =>
  changingCall('/task', (given) => (typeof change === 'function' ? change(given) : { ...given, ...change }));

export type Json = Record<string, unknown>;

/** Undefined: it is not a JSON object. */
export function parseJson(body: Buffer | null): Json | undefined {
  try {
    const value: unknown = JSON.parse(String(body));
    return isJson(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const toBuffer = (body: Json) => Buffer.from(JSON.stringify(body));

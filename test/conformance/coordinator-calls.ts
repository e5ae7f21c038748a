import assert from 'node:assert/strict';
import { request, Agent } from 'undici';
import type { CoordinatorAddress } from '../../agent-container/reporting/coordinator-client.ts';
import type { ErrorCode } from '../../protocol/problem.ts';
import { ERROR_STATUS, Problem } from '../../protocol/problem-document.ts';
import { CONTRACT_HEADER } from '../../protocol/worker.ts';
import { CallbackReply } from '../../protocol/worker-schemas.ts';
import { SUCCEEDED } from '../support/result.ts';

/** A task whose worker is the suite: an active attempt that has made no call yet. */
export type OpenTask = {
  address: CoordinatorAddress;
  task_id: string;
  attempt: number;
  token: string;
  /** Sends a message as a person does. Resolves with its id. */
  say: (text: string) => Promise<string>;
  cancel: () => Promise<void>;
  /** Gives up this attempt, as after an expired lease. */
  giveUp: () => Promise<void>;
};

/** The coordinator under test. */
export type CoordinatorUnderTest = {
  open: () => Promise<OpenTask>;
  /** A task with one further repository, whose key is `other`. */
  openSeveral: () => Promise<OpenTask & { other: string }>;
};

type Reply = { status: number; body: unknown };
type Given = { token?: string | null; method?: 'GET' | 'POST'; task_id?: string; version?: number };

/** Makes one call to the worker API. `body` is sent as JSON, a string unchanged. */
export async function call(task: OpenTask, name: string, body?: unknown, given: Given = {}): Promise<Reply> {
  const { socket_path, origin } = task.address;
  const agent = new Agent(socket_path === null ? {} : { connect: { socketPath: socket_path } });
  const token = given.token === undefined ? task.token : given.token;
  try {
    const answer = await request(`${origin}/internal/tasks/${given.task_id ?? task.task_id}/${name}`, {
      method: given.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        'content-type': 'application/json',
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(given.version !== undefined && { [CONTRACT_HEADER]: String(given.version) }),
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      dispatcher: agent,
    });
    const text = await answer.body.text();
    const json = /json/.test(String(answer.headers['content-type']));
    return { status: answer.statusCode, body: json ? (JSON.parse(text) as unknown) : text };
  } finally {
    await agent.destroy();
  }
}

export const AT = '2026-01-01T00:00:00.000Z';
export const started = {
  seq: 1,
  at: AT,
  type: 'agent.started',
  body: { agent: 'suite', version: '1', resumed: false },
};
export const log = (seq: number, text = `event ${seq}`) => ({
  seq,
  at: AT,
  type: 'log',
  body: { level: 'info', text },
});

export const events = (task: OpenTask, list: unknown[], more: object = {}) =>
  call(task, 'events', { attempt: task.attempt, events: list, ...more });
export const heartbeat = (task: OpenTask, last_seq: number, given: Given = {}) =>
  call(task, 'heartbeat', { attempt: task.attempt, last_seq, waiting_for: null }, given);
export const result = (task: OpenTask, last_seq: number, more: object = {}) =>
  call(task, 'result', { attempt: task.attempt, last_seq, ...SUCCEEDED, ...more });

export function took(reply: Reply, acked_seq: number): CallbackReply {
  assert.equal(reply.status, 200, `it answered ${reply.status}: ${JSON.stringify(reply.body)}`);
  const parsed = CallbackReply.parse(reply.body);
  assert.equal(parsed.acked_seq, acked_seq);
  return parsed;
}

export function refused(reply: Reply, ...codes: ErrorCode[]): Problem {
  const problem = Problem.safeParse(reply.body);
  assert.ok(problem.success, `it answered ${reply.status} without a problem document: ${JSON.stringify(reply.body)}`);
  assert.ok(codes.includes(problem.data.code), `it answered ${problem.data.code}, not ${codes.join(' or ')}`);
  assert.equal(reply.status, ERROR_STATUS[problem.data.code]);
  return problem.data;
}

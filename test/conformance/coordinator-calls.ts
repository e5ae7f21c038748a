import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { request, Agent } from 'undici';
import type { z } from 'zod';
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

/** `call`: what was called, for the words of a broken rule. */
export type Reply = { call: string; status: number; body: unknown };
type Given = { token?: string | null; method?: 'GET' | 'POST'; task_id?: string; version?: number };

/** Makes one call to the worker API. `body` is sent as JSON, a string unchanged. */
export async function call(task: OpenTask, name: string, body?: unknown, given: Given = {}): Promise<Reply> {
  const { socket_path, origin } = task.address;
  const method = given.method ?? (body === undefined ? 'GET' : 'POST');
  const agent = new Agent(socket_path === null ? {} : { connect: { socketPath: socket_path } });
  const token = given.token === undefined ? task.token : given.token;
  try {
    const answer = await request(`${origin}/internal/tasks/${given.task_id ?? task.task_id}/${name}`, {
      method,
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
    return {
      call: `${method} …/${name}`,
      status: answer.statusCode,
      body: json ? (JSON.parse(text) as unknown) : text,
    };
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

const SHOWN_CHARS_MAX = 1_000;

/** A rule is broken: says what was called, how it was answered, and how it should be. */
function unwanted({ call: name, status, body }: Reply, wanted: string): never {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  assert.fail(`${name} was answered with ${status} ${text.slice(0, SHOWN_CHARS_MAX)}; it should be ${wanted}`);
}

/** Requires that this holds of an answer. `wanted`: what the rule asks for. */
export function wants(reply: Reply, holds: boolean, wanted: string): void {
  if (!holds) unwanted(reply, wanted);
}

/** Requires 200 with a body of this schema. `what`: the name of the schema. */
export function answered<T>(reply: Reply, schema: z.ZodType<T>, what: string): T {
  const body = schema.safeParse(reply.body);
  if (reply.status !== 200 || !body.success) return unwanted(reply, `200 with a body of ${what}`);
  return body.data;
}

/** Requires that a callback was accepted, and that events are acknowledged up to this number. */
export function took(reply: Reply, acked_seq: number): CallbackReply {
  const body = answered(reply, CallbackReply, 'CallbackReply');
  wants(reply, body.acked_seq === acked_seq, `200 with the acked_seq ${acked_seq}`);
  return body;
}

/** The same, and that the reply has these pending messages and no cancel. */
export function tookWith(reply: Reply, acked_seq: number, ...messages: Said[]): void {
  const { control } = took(reply, acked_seq);
  wants(reply, control.cancel === null, '200 without a cancel');
  brings(reply, control.messages, ...messages);
}

/** The same, and that the reply has a cancel. */
export function tookWithCancel(reply: Reply, acked_seq: number): void {
  const { cancel } = took(reply, acked_seq).control;
  wants(reply, cancel !== null && cancel.reason !== '', '200 with a cancel that has a reason');
}

type Said = { id: string; text: string };

/** Requires that these are the messages of an answer. */
export function brings(reply: Reply, given: readonly Said[], ...messages: Said[]): void {
  const said = given.map(({ id, text }) => ({ id, text }));
  wants(reply, isDeepStrictEqual(said, messages), `200 with the messages ${JSON.stringify(messages)}`);
}

/** Requires a refusal with one of these codes, and with its status. */
export function refused(reply: Reply, ...codes: ErrorCode[]): Problem {
  const problem = Problem.safeParse(reply.body).data;
  if (!problem || !codes.includes(problem.code))
    return unwanted(reply, `a problem document with the code ${codes.join(' or ')}`);
  const status = ERROR_STATUS[problem.code];
  wants(reply, reply.status === status, `${status}, which is the status of ${problem.code}`);
  return problem;
}

/** Requires that events are missing from this number on. */
export function missing(reply: Reply, expected_seq: number): void {
  const problem = refused(reply, 'events_missing');
  wants(reply, problem.expected_seq === expected_seq, `events_missing with the expected_seq ${expected_seq}`);
}

import { answer, answering, assigning, changingReply, type Mutant } from './mutant.ts';

const ACCEPTED = answer(202);

/** Faults of the server that the coordinator calls. */
export const AT_ITS_SERVER: readonly Mutant[] = [
  {
    name: 'names a wrong contract version',
    rule: 'it responds to /healthz with its contract version and its agent',
    says: /healthz says contract_version 2/,
    to_worker: changingReply('/healthz', (health) => ({ ...health, contract_version: 2 })),
  },
  {
    name: 'works before it has a task',
    rule: 'it boots without a task: it is idle and makes no call',
    says: /before its task, \/status says .*working/,
    to_worker: changingReply('/status', (status) => ({ ...status, state: 'working' })),
  },
  {
    name: 'takes a message before it has a task',
    rule: 'before there is a task, messages and a cancel answer 409',
    says: /POST \/messages before a task was answered with 202/,
    to_worker: answering('/messages', () => ACCEPTED),
  },
  {
    name: 'answers a malformed body with 500',
    rule: 'a malformed body answers 400 with a problem document, another path 404',
    says: /a malformed assignment was answered with 500/,
    to_worker: async (call, forward) => {
      const reply = await forward(call);
      return reply.status === 400 ? answer(500) : reply;
    },
  },
  {
    name: 'reads a body of any size',
    rule: 'a body above its limit answers 413',
    says: /a cancel above request_body_bytes_max was answered with 400/,
    to_worker: async (call, forward) => ((call.body?.length ?? 0) > 100_000 ? answer(400) : forward(call)),
  },
  {
    name: 'says that nothing was acknowledged',
    rule: 'its status has the numbers of its newest event, and of the newest that was acknowledged',
    says: /its \/status has an acked_seq of \d+ or more/,
    to_worker: changingReply('/status', (status) => ({ ...status, acked_seq: 0 })),
  },
  {
    name: 'accepts an unknown contract version',
    rule: 'an unknown contract version answers 400, and it stays idle',
    says: /contract_version 999 was answered with 202/,
    to_worker: assigning((given) => ({ ...given, contract_version: 1 })),
  },
  {
    name: 'accepts a second task',
    rule: 'it accepts a task with 202; the same one again changes nothing, another one answers 409',
    says: /an assignment of another attempt was answered with 202/,
    to_worker: async (call, forward) => {
      const reply = await forward(call);
      return reply.status === 409 && call.path === '/task' ? ACCEPTED : reply;
    },
  },
  {
    name: 'names a wrong attempt in its status',
    rule: 'the status names the task and the attempt',
    says: /attempt 7/,
    to_worker: changingReply('/status', (status) => (status.state === 'idle' ? status : { ...status, attempt: 7 })),
  },
  {
    name: 'wants its token on its socket too',
    rule: 'on a socket it wants no token; over TCP each call but /healthz needs the task token',
    says: /POST \/messages with another token, on a socket was answered with 401/,
    to_worker: answering('/messages', ({ headers }) => (headers.authorization === undefined ? null : answer(401))),
  },
  {
    // The relay listens at the port, and the worker at a socket.
    name: 'wants no token over TCP',
    rule: 'over TCP a call without the task token, or with another one, answers 401 and has no effect',
    says: /GET \/status without a token was answered with 200/,
  },
  {
    name: 'refuses a message that it has seen',
    rule: 'a message that is pushed again changes nothing',
    says: /POST \/messages was answered with 409/,
    to_worker: answering('/messages', ({ body }, nth) =>
      nth < 2 || !String(body).includes('Be brief.') ? null : answer(409),
    ),
  },
  {
    name: 'ignores a pushed cancel',
    rule: 'a pushed cancel ends it in time: it pushes its work, posts a result and exits with 0',
    says: /the worker has exited/,
    to_worker: answering('/cancel', () => ACCEPTED),
  },
  {
    name: 'refuses unknown fields',
    rule: 'it ignores unknown fields of a later coordinator in the assignment, the replies and the pushes',
    says: /the hand-over was answered with 400/,
    to_worker: (call, forward) =>
      String(call.body).includes('said_by_a_later_version') ? Promise.resolve(answer(400)) : forward(call),
  },
];

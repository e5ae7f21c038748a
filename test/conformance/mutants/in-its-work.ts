import { rmSync } from 'node:fs';
import { answer, assigning, changingCall, changingReply, type Handler, type Json, type Mutant } from './mutant.ts';

/** Refuses pushes. */
const neverPushing: Handler = (call, forward) =>
  call.path.includes('git-receive-pack') ? Promise.resolve(answer(403)) : forward(call);

const withoutSpool = () => rmSync(process.env.ERRAND_SPOOL ?? '', { recursive: true, force: true });

/** Exits with this code, whatever the worker says. */
const exitingWith = (code: number) => () => {
  process.once('exit', () => (process.exitCode = code));
};

/** SIGTERM has no effect: who listens for it later is not heard. */
const deafToSigterm = () => {
  process.on('SIGTERM', () => {});
  process.on('newListener', (name, listener: () => void) => {
    if (name === 'SIGTERM') setImmediate(() => process.off('SIGTERM', listener));
  });
};

const ENVIRONMENT = 'commands have the variables of the assignment, and not the task token; no report has a secret';
const PROJECT = 'it reported no';

/** Faults of its work: what the assignment asks for, what it pushes, its spool, and its exit. */
export const IN_ITS_WORK: readonly Mutant[] = [
  {
    name: 'exits with another code',
    rule: 'it exits with 0',
    says: /it exited with code 3, not 0/,
    prepare: exitingWith(3),
  },
  {
    name: 'pushes nothing on a cancel',
    rule: 'a pushed cancel ends it in time: it pushes its work, posts a result and exits with 0',
    says: /written-by-the-suite.txt, which was in the clone, is on no branch/,
    to_coordinator: neverPushing,
  },
  {
    name: 'ignores SIGTERM',
    rule: 'SIGTERM ends it within ten seconds: it pushes its work, and exits with 143 and no result',
    says: /the worker has exited/,
    prepare: deafToSigterm,
  },
  {
    name: 'pushes nothing on SIGTERM',
    rule: 'SIGTERM ends it within ten seconds: it pushes its work, and exits with 143 and no result',
    says: /written-by-the-suite.txt, which was in the clone, is on no branch/,
    to_coordinator: neverPushing,
  },
  {
    name: 'counts from 1 again after a crash',
    rule: 'after a kill, a new process on the same spool continues with the next number',
    says: /events was refused: event_conflict/,
    prepare: withoutSpool,
  },
  {
    name: 'ignores the setup command',
    rule: 'the setup command runs in the clone, before the work',
    says: new RegExp(`${PROJECT} setup.finished`),
    to_worker: assigning({ setup_command: null }),
  },
  {
    name: 'gives its commands no variables',
    rule: ENVIRONMENT,
    says: /its command has no variable SUITE_PLAIN/,
    to_coordinator: changingReply('/assignment', (given) => ({ ...given, env: {} })),
  },
  {
    name: 'masks no secret',
    rule: ENVIRONMENT,
    says: /event \d+ \(setup.finished\) has the value of a secret variable/,
    to_coordinator: changingReply('/assignment', (given) => ({ ...given, secrets: [] })),
  },
  {
    name: 'pushes a secret',
    rule: 'no push has the value of a secret variable',
    says: /it pushed the commit [0-9a-f]{40}, which has the value of a secret variable/,
    to_worker: assigning({ secrets: [] }),
  },
  {
    name: 'gives its commands the task token',
    rule: ENVIRONMENT,
    says: /its command has the variable ERRAND_TASK_TOKEN/,
    to_coordinator: changingReply('/assignment', (given) => ({
      ...given,
      env: { ...(given.env as Json), ERRAND_TASK_TOKEN: 'x' },
    })),
  },
  {
    name: 'ignores the base branch',
    rule: 'the work begins at the base branch of the assignment',
    says: /repository.ready says that it began at main at [0-9a-f]{40}; it should be a-base at/,
    to_worker: assigning({ base_branch: null }),
  },
  {
    name: 'goes on after the setup command failed',
    rule: 'a setup command that fails ends the attempt as setup_failed',
    says: /its result was succeeded/,
    to_coordinator: changingCall('/result', (result) => ({ ...result, status: 'succeeded', reason: null })),
  },
  {
    name: 'ignores the verify command',
    rule: 'the verify command runs after the last change',
    says: new RegExp(`${PROJECT} verify.finished`),
    to_worker: assigning({ verify_command: null }),
  },
  {
    name: 'succeeds though the verify command failed',
    rule: 'with a verify command that fails it does not succeed',
    says: /its result was succeeded, though the verify command failed/,
    to_coordinator: changingCall('/result', (result) => ({ ...result, status: 'succeeded', reason: null })),
  },
  {
    name: 'ignores the time limit',
    rule: 'the time limit ends the attempt as time_limit',
    says: /the worker has exited/,
    to_worker: assigning({ time_limit_ms: 3_600_000 }),
  },
  {
    name: 'sends heartbeats at three times the interval',
    rule: 'it sends a heartbeat at least every heartbeat_ms',
    says: /heartbeat \d came after \d+ ms; heartbeat_ms is 2000/,
    to_worker: assigning((given) => ({ ...given, heartbeat_ms: Number(given.heartbeat_ms) * 3 })),
  },
  {
    name: 'drops the spool of the attempt before',
    rule: 'the next attempt reports what the attempt before had only in its spool, after its agent.started',
    says: /event \d+ \(log\) of the attempt before was not acknowledged, and is lost/,
    prepare: withoutSpool,
  },
  {
    name: 'ignores the bound of its spool',
    rule: 'its spool keeps to spool_bytes_max: it waits while the spool is full, and drops nothing',
    says: /it spooled \d+ bytes, more than spool_bytes_max/,
    to_worker: assigning({ spool_bytes_max: 1024 ** 3 }),
  },
];

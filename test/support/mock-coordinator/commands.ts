import type { Fault } from './faults.ts';
import type { MockCoordinator } from './mock.ts';
import type { MockTask } from './task.ts';

export const HELP = `What can be typed here, or sent as the body of POST /control:
  say TEXT                    a message from the person
  cancel [REASON]             stop the task
  fail CALL STATUS [TIMES]    answer the next calls with this status
  delay CALL MS [TIMES]       answer them later
  cut CALL [TIMES]            cut them before anything is done
  lose CALL [TIMES]           do what they ask, and cut them in place of the answer
  hang CALL [TIMES]           never answer
  stale                       give the attempt up, and begin the next
  expire                      let every token expire: a heartbeat brings a new one
  restart [MS]                stop listening, and come back after this time
  status                      what is known of the task
CALL is events, heartbeat, result, assignment, git, llm, connect or all.`;

const CALLS = ['events', 'heartbeat', 'result', 'assignment', 'git', 'llm', 'connect', 'all'];

/** What a fault's arguments are, and what they make. */
const FAULTS: Record<string, (number: number) => Fault | undefined> = {
  fail: (status) => (status >= 400 && status <= 599 ? { kind: 'fail', status } : undefined),
  delay: (ms) => (ms >= 0 ? { kind: 'delay', ms } : undefined),
  cut: () => ({ kind: 'cut' }),
  lose: () => ({ kind: 'lose' }),
  hang: () => ({ kind: 'hang' }),
};

/**
 * Obeys one line, and gives what to show for it. `push` tells the worker directly what is pending, if it can be called. Throws words for a
 * person where the line is none of `HELP`.
 */
export async function obey(
  mock: MockCoordinator,
  task: MockTask,
  line: string,
  push: { say: (task: MockTask) => void; cancel: (reason: string) => void },
): Promise<string> {
  const [, command = '', rest = ''] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(line) ?? [];
  switch (command) {
    case 'say':
      if (rest === '') throw new Error('say what?');
      task.say(rest);
      push.say(task);
      return 'It will be heard.';
    case 'cancel': {
      const reason = rest === '' ? 'Cancelled at the mock coordinator.' : rest;
      task.cancel(reason);
      push.cancel(reason);
      return 'Cancelled.';
    }
    case 'stale':
      task.nextAttempt();
      return `Attempt ${task.attempt - 1} is given up. Token of attempt ${task.attempt}: ${task.token}`;
    case 'expire':
      task.expireTokens();
      return 'Every token is expired.';
    case 'restart':
      await mock.stop();
      setTimeout(() => void mock.start(), Number(rest) || 0);
      return 'It listens no more; it comes back.';
    case 'status':
      return JSON.stringify({
        task_id: task.id,
        attempt: task.attempt,
        events: task.events.length,
        pending_messages: task.pending().length,
        result: task.current.result?.status ?? null,
        breaches: task.breaches,
      });
    case 'help':
      return HELP;
    default:
      return addFault(mock, command, rest);
  }
}

/** A fault as it is typed, `fail events 503 3`, or as it is given on the command line, `--fail events:503:3`. */
export function addFault(mock: MockCoordinator, kind: string, given: string): string {
  const make = FAULTS[kind];
  if (make === undefined) throw new Error(`'${kind}' is not known: type help.`);
  const [call = '', ...numbers] = given.split(/[\s:]+/);
  if (!CALLS.includes(call)) throw new Error(`'${call}' is no call: it is one of ${CALLS.join(', ')}.`);
  const wants_number = kind === 'fail' || kind === 'delay';
  const fault = make(wants_number ? Number(numbers.shift()) : 0);
  const times = numbers.length === 0 ? 1 : Number(numbers[0]);
  if (fault === undefined || !Number.isInteger(times) || times < 1)
    throw new Error(`'${given}' does not fit ${kind}: type help.`);
  mock.faults.add(call, fault, times);
  return `The next ${times === 1 ? call : `${times} ${call}`}: ${kind}.`;
}

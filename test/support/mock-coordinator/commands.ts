import type { Fault } from './faults.ts';
import type { MockCoordinator } from './mock.ts';
import type { MockTask } from './task.ts';

export const HELP = `Commands, typed here or sent as the body of POST /control:
  say TEXT                    send a message from the user, which answers an open question
  change TEXT                 change the newest message, until the worker takes it
  unsay                       withdraw it
  cancel [REASON]             cancel the task
  fail CALL STATUS [TIMES]    answer the next calls with this status
  fail llm budget [TIMES]     refuse the next requests to the model as the server does once the budget is spent
  delay CALL MS [TIMES]       delay them
  cut CALL [TIMES]            reset the connection before the call is handled
  lose CALL [TIMES]           handle the call, then reset the connection without a response
  hang CALL [TIMES]           never respond
  stale                       end the attempt and start the next one
  next [PROMPT]               end the task and start another one, in an empty workspace
  expire                      expire all tokens; a heartbeat returns a new one
  restart [MS]                stop listening, and start again after this time
  status                      print the task's state
CALL is events, messages, heartbeat, result, assignment, attachments, git, llm, connect or all.`;

const CALLS = [
  'events',
  'messages',
  'heartbeat',
  'result',
  'assignment',
  'attachments',
  'git',
  'llm',
  'connect',
  'all',
];

/** Makes a fault from its argument; undefined: the argument is invalid. */
const FAULTS: Record<string, (number: number) => Fault | undefined> = {
  fail: (status) => (status >= 400 && status <= 599 ? { kind: 'fail', status } : undefined),
  delay: (ms) => (ms >= 0 ? { kind: 'delay', ms } : undefined),
  cut: () => ({ kind: 'cut' }),
  lose: () => ({ kind: 'lose' }),
  hang: () => ({ kind: 'hang' }),
};

/** What the program around the mock does. `say` and `cancel` call the worker, if it can be called. */
export type Actions = {
  say: (task: MockTask) => void;
  cancel: (reason: string) => void;
  /** Starts another task in the place of this one. */
  next: (prompt: string) => Promise<void>;
};

/**
 * Runs one command and returns its output. Throws an error with a message for the user if the command is unknown.
 */
export async function runCommand(
  mock: MockCoordinator,
  task: MockTask,
  line: string,
  actions: Actions,
): Promise<string> {
  const [, command = '', rest = ''] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(line) ?? [];
  switch (command) {
    case 'say':
      if (rest === '') throw new Error('say what?');
      task.say(rest);
      actions.say(task);
      return 'The message is pending.';
    case 'change':
      if (rest === '') throw new Error('change it to what?');
      changeNewest(task, { text: rest });
      return 'The message is changed.';
    case 'unsay':
      changeNewest(task, null);
      return 'The message is withdrawn.';
    case 'cancel': {
      const reason = rest === '' ? 'Cancelled at the mock coordinator.' : rest;
      task.cancel(reason);
      actions.cancel(reason);
      return 'Cancelled.';
    }
    case 'stale':
      task.nextAttempt();
      return `Attempt ${task.attempt - 1} is stale. The next worker gets attempt ${task.attempt}.`;
    case 'next':
      await actions.next(rest === '' ? task.base.prompt : rest);
      return `The next worker gets another task: ${task.base.prompt}`;
    case 'expire':
      task.tokens.expire();
      return 'All tokens are expired.';
    case 'restart':
      await mock.stop();
      setTimeout(() => void mock.start(), Number(rest) || 0);
      return 'Stopped listening; it will restart.';
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

/** Changes the newest message that waits, or withdraws it. Throws an error for the user where that is too late. */
function changeNewest(task: MockTask, change: { text: string } | null): void {
  const newest = task.pending().at(-1);
  if (newest === undefined) throw new Error('No message waits.');
  const [start] = task.events;
  if (start?.type === 'agent.started' && start.body.takes_messages !== true)
    throw new Error('The worker adds messages as they came: its agent.started does not say takes_messages.');
  if (!task.change(newest.id, change)) throw new Error('The worker has taken the message.');
}

/** Adds a fault, from a command (`fail events 503 3`) or an option (`--fail events:503:3`). */
export function addFault(mock: MockCoordinator, kind: string, given: string): string {
  const make = FAULTS[kind];
  if (make === undefined) throw new Error(`'${kind}' is not a command: type help.`);
  const [call = '', ...numbers] = given.split(/[\s:]+/);
  if (!CALLS.includes(call)) throw new Error(`'${call}' is not a call. Use one of ${CALLS.join(', ')}.`);
  const is_budget = kind === 'fail' && call === 'llm' && numbers[0] === 'budget';
  const wants_number = kind === 'fail' || kind === 'delay';
  const number = wants_number ? Number(numbers.shift()) : 0;
  const fault: Fault | undefined = is_budget ? { kind: 'budget' } : make(number);
  const times = numbers.length === 0 ? 1 : Number(numbers[0]);
  if (fault === undefined || !Number.isInteger(times) || times < 1)
    throw new Error(`'${given}' is not valid for ${kind}: type help.`);
  mock.faults.add(call, fault, times);
  return `The next ${times === 1 ? call : `${times} ${call}`}: ${kind}.`;
}

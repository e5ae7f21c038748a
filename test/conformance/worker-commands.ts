import assert from 'node:assert/strict';
import { LIMITS } from '../../protocol/limits.ts';
import { newId } from '../../protocol/ids.ts';
import type { Rule } from './rule.ts';
import { endedAs, exits, tellsNowhere, uncalled, underWay, wholeLife, type WorkerUnderTest } from './worker-calls.ts';

/** A command that fails if it does not run in the clone. Its output cannot be told from its text. */
const COMMAND = 'git rev-parse --is-inside-work-tree && echo "$((40 + 2))-done"';
const OUTPUT = '42-done';
const FAILS = 'echo "it fails" && sh -c "exit 3"';
const TIME_LIMIT_MS = 2_000;
const ENVIRONMENT =
  'echo "plain=$SUITE_PLAIN" && echo "secret=$SUITE_SECRET" && echo "length=${#SUITE_SECRET}" && ' +
  'echo "token=${ERRAND_TASK_TOKEN:+there}"';
/** For an agent that tries again after a failed verify command. */
const TURNS_MAX = 8;

/** Rules about the project's commands and the time limit. Each needs a new worker. */
export const COMMAND_RULES: readonly Rule<WorkerUnderTest>[] = [
  {
    name: 'the setup command runs in the clone, before the work',
    check: async (context) => {
      const { events } = await wholeLife(context, { setup_command: COMMAND });
      const i = events.findIndex(({ type }) => type === 'setup.finished');
      const event = events[i];
      assert.ok(event?.type === 'setup.finished', 'it reported no setup.finished');
      const { command, exit_code, output } = event.body;
      assert.ok(command === COMMAND, `setup.finished names another command: ${command}`);
      assert.ok(exit_code === 0 && output.includes(OUTPUT), `setup.finished says ${exit_code}: ${output}`);
      const ready = events.findIndex(({ type }) => type === 'repository.ready');
      assert.ok(ready !== -1 && ready < i, 'setup.finished came before repository.ready');
      const worked = events.findIndex(({ type }) => type === 'turn.started' || type === 'tool.started');
      assert.ok(worked === -1 || worked > i, 'it worked before setup.finished');
    },
  },
  {
    name: 'commands have the variables of the assignment, and not the task token; no report has a secret',
    check: async (context) => {
      const [plain, secret] = [newId(), newId()];
      const env = { SUITE_PLAIN: plain, SUITE_SECRET: secret };
      const task = await uncalled(context, {
        setup_command: ENVIRONMENT,
        env,
        secrets: ['SUITE_SECRET'],
      });
      const event = task.events.find(({ type }) => type === 'setup.finished');
      assert.ok(event?.type === 'setup.finished', 'it reported no setup.finished');
      const { output } = event.body;
      assert.ok(output.includes(`plain=${plain}`), `its command has no variable SUITE_PLAIN: ${output}`);
      assert.ok(output.includes(`length=${secret.length}`), `its command has no variable SUITE_SECRET: ${output}`);
      assert.ok(!output.includes('token=there'), 'its command has the variable ERRAND_TASK_TOKEN');
      tellsNowhere(task, secret, 'the value of a secret variable');
    },
  },
  {
    name: 'a setup command that fails ends the attempt as setup_failed',
    check: async (context) => endedAs(await wholeLife(context, { setup_command: FAILS }), 'failed', 'setup_failed'),
  },
  {
    name: 'the verify command runs after the last change',
    check: async (context) => {
      const { events } = await wholeLife(context, { verify_command: COMMAND });
      const i = events.findLastIndex(({ type }) => type === 'verify.finished');
      const event = events[i];
      assert.ok(event?.type === 'verify.finished', 'it reported no verify.finished');
      const { command, passed, exit_code, output } = event.body;
      assert.ok(command === COMMAND, `verify.finished names another command: ${command}`);
      assert.ok(passed && exit_code === 0, `verify.finished says passed ${passed}, exit code ${exit_code}: ${output}`);
      assert.ok(output.includes(OUTPUT), `verify.finished has an output that is not of the command: ${output}`);
      const changes = ['turn.finished', 'tool.started', 'tool.finished'];
      const later = events.slice(i).find(({ type }) => changes.includes(type));
      assert.ok(later === undefined, `${later?.type} followed the last verify.finished`);
    },
  },
  {
    name: 'with a verify command that fails it does not succeed',
    check: async (context) => {
      const task = await wholeLife(context, { verify_command: FAILS, max_turns: TURNS_MAX });
      const { result } = task.current;
      assert.ok(result, 'it posted no result');
      assert.ok(result.status === 'failed', `its result was ${result.status}, though the verify command failed`);
    },
  },
  {
    name: 'the time limit ends the attempt as time_limit',
    check: async (context) => {
      const { worker, task } = await underWay(context, { time_limit_ms: TIME_LIMIT_MS });
      await exits(worker, 0, TIME_LIMIT_MS + LIMITS.cancel_push_ms);
      endedAs(task, 'failed', 'time_limit');
    },
  },
];

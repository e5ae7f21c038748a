import test from 'ava';
import { Redactor } from '../../../coordinator/base/redactor.ts';
import { readTaskEvents } from '../../../coordinator/sqlite/events.ts';
import { insertTaskPush } from '../../../coordinator/sqlite/task-pushes.ts';
import { insertTaskRepository } from '../../../coordinator/sqlite/task-repositories.ts';
import { maskOf } from '../../../protocol/secrets/secret-values.ts';
import { ready, setCallbackScene } from '../../support/callback-scene.ts';
import { taskOf } from '../../support/fixtures.ts';

const at = '2026-01-02T03:04:05.678Z';
const COMMIT = 'a'.repeat(40);
const SETUP = 'npm ci';
const VERIFY = 'npm test';
const BOTH = { setup_command: SETUP, verify_command: VERIFY };
const ended = (command: string, exit_code: number | null) => ({ command, exit_code, output: '', duration_ms: 1 });

/** The events of a worker, without their numbers. */
const EVENTS = {
  clone: ready(1),
  setup: { type: 'setup.finished', body: ended(SETUP, 0) },
  'setup failed': { type: 'setup.finished', body: ended(SETUP, 1) },
  'setup killed': { type: 'setup.finished', body: ended(SETUP, null) },
  'another setup': { type: 'setup.finished', body: ended('true', 0) },
  tool: { type: 'tool.started', body: { turn: 1, ref: 'a', name: 'run_command', input: {} } },
  'tool ends': {
    type: 'tool.finished',
    body: { turn: 1, ref: 'a', name: 'run_command', is_error: false, content: [], duration_ms: 1 },
  },
  turn: {
    type: 'turn.finished',
    body: {
      turn: 1,
      ref: 'turn-1',
      model: 'demo',
      content: [],
      stop_reason: 'end_turn',
      usage: { input_tokens: 0, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens: 0 },
      request_id: null,
      duration_ms: 1,
    },
  },
  verify: { type: 'verify.finished', body: { ...ended(VERIFY, 0), passed: true } },
  'verify failed': { type: 'verify.finished', body: { ...ended(VERIFY, 1), passed: false } },
  'verify not passed': { type: 'verify.finished', body: { ...ended(VERIFY, 0), passed: false } },
  'verify claimed': { type: 'verify.finished', body: { ...ended(VERIFY, 1), passed: true } },
  'verify killed': { type: 'verify.finished', body: { ...ended(VERIFY, null), passed: true } },
  'another verify': { type: 'verify.finished', body: { ...ended('true', 0), passed: true } },
  pushed: {
    type: 'log',
    body: { level: 'info', text: 'pushed' },
  },
} as const;
type Name = keyof typeof EVENTS;

/** What a worker that reports success has done, by the status and reason that its attempt ends with. */
const CASES: [keyof typeof BOTH | 'both' | 'none', Name[], string][] = [
  ['none', [], 'failed: agent_error'],
  ['none', ['turn', 'tool', 'tool ends', 'pushed'], 'failed: agent_error'],
  ['none', ['clone'], 'succeeded'],
  ['none', ['clone', 'verify failed'], 'succeeded'],
  ['setup_command', ['clone', 'turn', 'tool'], 'failed: setup_failed'],
  ['setup_command', ['clone', 'setup failed'], 'failed: setup_failed'],
  ['setup_command', ['clone', 'setup killed'], 'failed: setup_failed'],
  ['setup_command', ['clone', 'another setup'], 'failed: setup_failed'],
  ['setup_command', ['setup', 'clone'], 'failed: setup_failed'],
  ['setup_command', ['clone', 'setup', 'setup failed'], 'failed: setup_failed'],
  ['setup_command', ['clone', 'setup', 'turn', 'tool', 'tool ends'], 'succeeded'],
  ['verify_command', ['clone', 'turn'], 'failed: verify_failed'],
  ['verify_command', ['clone', 'turn', 'verify failed'], 'failed: verify_failed'],
  ['verify_command', ['clone', 'turn', 'verify not passed'], 'failed: verify_failed'],
  ['verify_command', ['clone', 'turn', 'verify claimed'], 'failed: verify_failed'],
  ['verify_command', ['clone', 'turn', 'verify killed'], 'failed: verify_failed'],
  ['verify_command', ['clone', 'turn', 'another verify'], 'failed: verify_failed'],
  ['verify_command', ['verify', 'clone'], 'failed: verify_failed'],
  ['verify_command', ['clone', 'verify', 'turn'], 'failed: verify_failed'],
  ['verify_command', ['clone', 'verify', 'tool'], 'failed: verify_failed'],
  ['verify_command', ['clone', 'tool', 'verify', 'tool ends'], 'failed: verify_failed'],
  ['verify_command', ['clone', 'verify', 'verify failed'], 'failed: verify_failed'],
  ['verify_command', ['clone', 'turn', 'verify failed', 'turn', 'tool', 'tool ends', 'verify', 'pushed'], 'succeeded'],
  ['both', ['clone', 'turn', 'verify'], 'failed: setup_failed'],
  ['both', ['clone', 'setup', 'turn'], 'failed: verify_failed'],
  ['both', ['clone', 'setup', 'turn', 'verify', 'pushed'], 'succeeded'],
];

for (const [given, names, expected] of CASES)
  test(`success with ${given} after ${names.join(', ') || 'nothing'}: ${expected}`, async (t) => {
    const commands = given === 'both' ? BOTH : given === 'none' ? {} : { [given]: BOTH[given] };
    const { scene, task_id, events, result, seePush } = await setCallbackScene(t, commands);
    const posted = names.map((name, index) => ({ ...EVENTS[name], seq: index + 1, at }));
    t.is((await events(posted)).status, 200);
    const pushed = { branch: `errand/${task_id}-x`, commit: COMMIT };
    seePush(pushed.branch, COMMIT);
    t.is((await result(names.length, pushed)).status, 200);
    const { status, reason } = taskOf(scene.log, task_id);
    t.is(reason === null ? status : `${status}: ${reason}`, expected);
    t.is((await result(names.length)).status, 200, 'a repeat of the result has no effect');
  });

const VALUE = 's3cr-Zq8/Lw+X';
const SECRET_SETUP = `curl -H "x-key: ${VALUE}" https://registry.test/install | sh`;
const SECRET_VERIFY = `KEY='${VALUE}' npm test -- --key=${VALUE}`;

/** How a worker reports a command with a secret. `output`: makes the event as long as it may be. */
const REPORTS: [how: string, reported: (command: string, mask: string) => string, output?: string][] = [
  ['as it is', (command) => command],
  ['with a mask', (command, mask) => command.replaceAll(VALUE, mask)],
  ['where only a short mask fits', (command) => command, VALUE.repeat(200_000 / VALUE.length)],
];

for (const name of ['API_KEY', 'git_token'])
  for (const [how, reported, output = ''] of REPORTS)
    test(`a command with the value of ${name} that is reported ${how} counts, and no other one does`, async (t) => {
      const redactor = Redactor.of([{ name, value: VALUE }]);
      const commands = { setup_command: SECRET_SETUP, verify_command: SECRET_VERIFY };
      for (const [setup, verify, reason] of [
        [SECRET_SETUP, SECRET_VERIFY, null],
        [`${SECRET_SETUP} || true`, SECRET_VERIFY, 'setup_failed'],
        [SECRET_SETUP, `${SECRET_VERIFY} || true`, 'verify_failed'],
      ] as const) {
        const { scene, task_id, events, result, seePush } = await setCallbackScene(t, commands, {
          redactorOf: () => redactor,
        });
        seePush(`errand/${task_id}-x`, COMMIT);
        const setup_body = { ...ended(reported(setup, maskOf(name)), 0), output };
        const verify_body = { ...ended(reported(verify, maskOf(name)), 0), output, passed: true };
        const posted = [
          EVENTS.clone,
          { type: 'setup.finished', body: setup_body },
          EVENTS.turn,
          { type: 'verify.finished', body: verify_body },
        ];
        t.is((await events(posted.map((event, index) => ({ ...event, seq: index + 1, at })))).status, 200);
        t.is((await result(posted.length)).status, 200);
        const task = taskOf(scene.log, task_id);
        t.is(task.reason, reason);
        const { rows } = readTaskEvents(scene.log.db, { task_id, after: 0, limit: 100, bytes_max: 10_000_000 });
        t.true(rows.some(({ body }) => body.includes('[secret')));
        t.false(JSON.stringify([task, rows]).includes(VALUE));
      }
    });

test('a command with a secret counts after the secret has changed', async (t) => {
  const held = { redactor: Redactor.of([{ name: 'API_KEY', value: VALUE }]) };
  const commands = { verify_command: SECRET_VERIFY };
  const { scene, task_id, events, result } = await setCallbackScene(t, commands, { redactorOf: () => held.redactor });
  const verify = { type: 'verify.finished', body: { ...ended(SECRET_VERIFY, 0), passed: true } };
  t.is((await events([EVENTS.clone, verify].map((event, index) => ({ ...event, seq: index + 1, at })))).status, 200);
  held.redactor = undefined;
  t.is((await result(2)).status, 200);
  t.is(taskOf(scene.log, task_id).status, 'succeeded');
});

const STARTED = {
  type: 'agent.started',
  body: { agent: 'test', version: '1', resumed: false, takes_repositories: true },
};
const FURTHER = {
  n: 1,
  key: 'docs',
  repo_url: 'https://forge.test/o/docs',
  project_id: null,
  base_branch: null,
  work_branch: null,
};
const STAT = { files: 0, insertions: 0, deletions: 0 };
const ELSEWHERE = {
  key: 'docs',
  branch: null,
  commit: null,
  base_commit: null,
  diff_stat: STAT,
  diff: '',
  diff_truncated: false,
};

/** What a worker reports that did not run the verify command: whether that is believed. */
const UNVERIFIED: [what: string, result: object, expected: string][] = [
  ['no change', { repositories: [ELSEWHERE] }, 'succeeded'],
  ['a diff', { diff: 'diff --git' }, 'failed: verify_failed'],
  ['changed files', { diff_stat: { ...STAT, files: 1 } }, 'failed: verify_failed'],
  ['a commit', { commit: COMMIT }, 'failed: verify_failed'],
  ['a held commit', { held_commit: COMMIT }, 'failed: verify_failed'],
  ['a diff in a further repository', { repositories: [{ ...ELSEWHERE, diff: 'diff' }] }, 'failed: verify_failed'],
];
for (const [what, given, expected] of UNVERIFIED)
  test(`success without the verify command, with ${what}: ${expected}`, async (t) => {
    const { scene, task_id, events, result } = await setCallbackScene(t, { verify_command: VERIFY });
    scene.log.write(({ db }) => insertTaskRepository(db, { ...FURTHER, task_id }));
    const posted = [STARTED, EVENTS.clone, EVENTS.turn];
    t.is((await events(posted.map((event, index) => ({ ...event, seq: index + 1, at })))).status, 200);
    t.is((await result(posted.length, { diff: '', ...given })).status, 200);
    const { status, reason } = taskOf(scene.log, task_id);
    t.is(reason === null ? status : `${status}: ${reason}`, expected);
  });

for (const key of [null, 'docs'])
  test(`success without the verify command is not believed after a push to ${key ?? 'the first repository'}`, async (t) => {
    const { scene, task_id, events, result } = await setCallbackScene(t, { verify_command: VERIFY });
    const pushed = { ref: 'refs/heads/any', commit: COMMIT, kept: [] };
    scene.log.write(({ db }) => insertTaskPush(db, { task_id, key }, pushed));
    t.is((await events([EVENTS.clone].map((event, i) => ({ ...event, seq: i + 1, at })))).status, 200);
    t.is((await result(1, { diff: '' })).status, 200);
    t.like(taskOf(scene.log, task_id), { status: 'failed', reason: 'verify_failed' });
  });

test('a worker that fails or is cancelled needs no verify command', async (t) => {
  const { scene, task_id, result } = await setCallbackScene(t, BOTH);
  t.is((await result(0, { status: 'failed', reason: 'stuck' })).status, 200);
  t.like(taskOf(scene.log, task_id), { status: 'failed', reason: 'stuck' });
});

import test from 'ava';
import { setCallbackScene } from '../../support/callback-scene.ts';
import { taskOf } from '../../support/fixtures.ts';

const at = '2026-01-02T03:04:05.678Z';
const LONG = 'x'.repeat(300_000);
const LONG_TIME = `2026-01-02T03:04:05.${'0'.repeat(300_000)}Z`;
const commit = 'a'.repeat(40);
const diff_stat = { files: 0, insertions: 0, deletions: 0 };

const event = (type: string, body: object) => ({ seq: 1, at, type, body });

test('a wait of a worker is one of its own, short, and without other fields', async (t) => {
  const { scene, task_id, events, heartbeat } = await setCallbackScene(t);
  const bad: [object, string][] = [
    [{ kind: 'command', since: at, command: LONG }, '/waiting_for/command'],
    [{ kind: 'limit', since: at, until: at, reason: LONG }, '/waiting_for/reason'],
    [{ kind: 'person', since: at, question: LONG }, '/waiting_for/question'],
    [{ kind: 'model', since: LONG_TIME }, '/waiting_for/since'],
    [{ kind: 'model', since: at, sillent_since: at }, '/waiting_for/sillent_since'],
    [{ kind: 'queue', since: at, place: 1 }, '/waiting_for/kind'],
    [{ kind: 'worker', since: at }, '/waiting_for/kind'],
    [{ kind: 'silent_worker', since: at, until: at }, '/waiting_for/kind'],
  ];
  for (const [waiting_for, field] of bad)
    for (const answer of [await events([], { waiting_for }), await heartbeat({ waiting_for })]) {
      t.is(answer.status, 400, field);
      t.like(answer.body, { errors: [{ field }] });
    }
  t.is(taskOf(scene.log, task_id).waiting_for, null);
});

test('a branch that a worker names is the name of a branch', async (t) => {
  const { scene, task_id, events, result } = await setCallbackScene(t);
  const own = `errand/${task_id}-x`;
  const ready = { base_branch: 'main', base_commit: null, commit: null };
  for (const name of [`${own}\u001B[31m`, `${own}\nmain`, own + LONG, `${own}..main`]) {
    const pushed = await events([event('branch.pushed', { branch: name, commit, wip: false, diff_stat })]);
    t.like(pushed.body, { status: 400, errors: [{ field: '/events/0/body/branch' }] });
    const cloned = await events([event('repository.ready', { ...ready, branch: name })]);
    t.like(cloned.body, { status: 400, errors: [{ field: '/events/0/body/branch' }] });
    t.like((await result(0, { branch: name })).body, { status: 400, errors: [{ field: '/branch' }] });
    const repositories = [
      { key: 'k', branch: name, commit, base_commit: null, diff_stat, diff: '', diff_truncated: false },
    ];
    t.like((await result(0, { repositories })).body, { errors: [{ field: '/repositories/0/branch' }] });
  }
  t.is(taskOf(scene.log, task_id).pushed_branch, null);
});

test('an unknown field is refused however deep it is, but in what is stored unchanged', async (t) => {
  const { events, result } = await setCallbackScene(t);
  const usage = { input_tokens: 1, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens: 1 };
  const content = [{ type: 'text', text: 'Done.', anything: { deep: [1] } }];
  const turn = { turn: 1, ref: 'r', model: 'm', stop_reason: 'end_turn', request_id: null, duration_ms: 1, content };
  const bad: [object, string][] = [
    [event('plan.updated', { items: [{ text: 'a', status: 'done', done_at: at }] }), '/items/0/done_at'],
    [event('turn.finished', { ...turn, usage: { ...usage, cost_usd: 1 } }), '/usage/cost_usd'],
    [
      event('branch.pushed', { branch: 'b', commit, wip: false, diff_stat: { ...diff_stat, renames: 1 } }),
      '/diff_stat/renames',
    ],
  ];
  for (const [one, field] of bad) {
    const answer = await events([one]);
    t.is(answer.status, 400);
    t.like(answer.body, { errors: [{ field: `/events/0/body${field}` }] });
  }
  const more = { diff_stat: { ...diff_stat, renames: 1 } };
  t.like((await result(0, more)).body, { status: 400, errors: [{ field: '/diff_stat/renames' }] });
  t.is((await events([event('turn.finished', { ...turn, usage })])).status, 200);
});

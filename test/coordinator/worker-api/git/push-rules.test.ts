import test from 'ava';
import type { Push } from '../../../../coordinator/worker-api/git/push-commands.ts';
import { ruleFaults } from '../../../../coordinator/worker-api/git/push-rules.ts';
import { branchPrefix } from '../../../../coordinator/domain/task.ts';
import { newId } from '../../../../protocol/ids.ts';

const TASK = newId();
const PUSHER = { task_id: TASK, work_branch: null };
const OWN = `refs/heads/${branchPrefix(TASK)}`;
const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const ZERO = '0'.repeat(40);

const push = (...refs: string[]): Push => ({
  commands: refs.map((ref) => ({ old: A, new: B, ref })),
  capabilities: ['report-status'],
  shallow: [],
});

test('branches of the task may be pushed', (t) => {
  for (const name of ['work', 'a/b', 'v1.2_x', 'wip']) t.is(ruleFaults(push(OWN + name), PUSHER), null, name);
  t.is(ruleFaults(push(), PUSHER), null);
});

test('branches of the task may be pushed without slashes, for a repository that has a branch in the way', (t) => {
  t.is(ruleFaults(push(`refs/heads/errand-${TASK}-work`), PUSHER), null);
  for (const ref of [`refs/heads/errand-${newId()}-work`, 'refs/heads/errand-work', `refs/heads/errand_${TASK}-work`])
    t.not(ruleFaults(push(ref), PUSHER), null, ref);
});

const FOREIGN = [
  'refs/heads/main',
  'HEAD',
  'refs/heads/errand/x',
  `refs/heads/${branchPrefix(newId())}x`,
  `refs/tags/${branchPrefix(TASK)}x`,
  OWN.slice(0, -1),
  `${OWN.toUpperCase()}x`,
  `x${OWN}x`,
  `refs/heads/${OWN}x`,
];
for (const ref of FOREIGN)
  test(`${ref.replaceAll(TASK, '<task>').replace(/[0-9a-z]{20}/, '<other>')} may not be pushed`, (t) => {
    t.deepEqual(ruleFaults(push(ref), PUSHER), [`only ${OWN}* may be pushed`]);
  });

for (const name of [
  'a..b',
  'a//b',
  'a.lock',
  'a.lock/b',
  '/.a',
  'a/.b',
  'a.',
  'a/',
  'a@{1}',
  'a~1',
  'a^',
  'a:b',
  'a?',
  'a*',
  'a[',
  'a\\b',
  'a"b',
  'a;b',
  '\xe9',
])
  test(`${name} is not a valid branch name`, (t) => {
    t.regex(ruleFaults(push(OWN + name), PUSHER)?.[0] ?? '', /a branch name may contain/);
  });

test('the reasons are in the order of the refs, and an allowed ref is refused with the others', (t) => {
  const deletion = { commands: [{ old: A, new: ZERO, ref: `${OWN}x` }], capabilities: [], shallow: [] };
  t.deepEqual(ruleFaults(deletion, PUSHER), ['branches may not be deleted']);
  t.deepEqual(ruleFaults(push(`${OWN}x`, 'refs/heads/main'), PUSHER), [
    'refused with the rest of the push',
    `only ${OWN}* may be pushed`,
  ]);
});

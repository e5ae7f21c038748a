import test from 'ava';
import { pullView } from '../../../../coordinator/domain/pull.ts';
import { findFollowUp } from '../../../../coordinator/sqlite/follow-ups.ts';
import { listOpenNeeds } from '../../../../coordinator/sqlite/needs.ts';
import { findPull, updatePull } from '../../../../coordinator/sqlite/pulls.ts';
import { answerNeed } from '../../../../coordinator/tasks/answer-need.ts';
import { askNeed, withdrawNeeds } from '../../../../coordinator/tasks/needs.ts';
import { cancelTask } from '../../../../coordinator/tasks/task-commands.ts';
import { LIMITS } from '../../../../protocol/limits.ts';

import { COMMIT, pullScene } from '../../../support/forge/errand-pull.ts';

test('a review goes to the errand as one message, with each comment, its file and lines', async (t) => {
  const { scene, github, demo, bob, pull, id, messages } = await pullScene(t);
  const comments = [
    { path: 'a.txt', line: 3, start_line: 2, body: 'Why two?', diff_hunk: '@@ -1 +1,3 @@\n+a\n+b\n+c' },
    { path: 'a.txt', line: 1, body: 'Typo.' },
  ];
  await github.review(demo, pull, bob, { state: 'CHANGES_REQUESTED', body: 'Nearly.', comments });
  await scene.deliver();
  t.is(messages().length, 1);
  const [message = ''] = messages();
  for (const part of [
    /@bob has reviewed .* \(changes requested\)/,
    /Nearly\./,
    /\[1\] a\.txt, lines 2-3/,
    /\+b/,
    /Why two\?/,
  ])
    t.regex(message, part);
  t.regex(message, /\[2\] a\.txt, line 1\n[^]*Typo\./);
  t.is(scene.tasks.find((task) => task.id === id)?.status, 'queued');
  t.is(scene.tasks.length, 1);
});

test('each comment of a long review is shown to the errand in full, in as many messages as it needs, as one round', async (t) => {
  const { scene, github, demo, bob, pull, id, messages } = await pullScene(t);
  const diff_hunk = `@@ -1 +1 @@\n+${'long line '.repeat(300)}`;
  const comments = Array.from({ length: 45 }, (_, i) => {
    const body = `Comment ${i}: ${'words '.repeat(i % 9 === 0 ? 900 : 40)}end ${i}.`;
    return { path: 'a.txt', line: 1, body, diff_hunk };
  });
  await github.review(demo, pull, bob, { state: 'CHANGES_REQUESTED', body: `All: ${'x'.repeat(5_000)}`, comments });
  await scene.deliver();
  const texts = messages();
  t.true(texts.length > 1 && texts.every((text) => text.length < LIMITS.review_chars_max + 1_500));
  const whole = texts.join('\n');
  t.deepEqual(
    [...whole.matchAll(/^\[(\d+)\] a\.txt/gm)].map(([, n]) => Number(n)),
    comments.map((_, i) => i + 1),
  );
  for (const [i] of comments.entries()) t.true(whole.includes(`end ${i}.`), String(i));
  t.is(whole.split('All: ').length, 2);
  t.is(findFollowUp(scene.log.db, id).rounds, 1);
  await scene.work(id, '[45] fixed: the last one', COMMIT);
  const answered = pull.pull.comments.filter(({ in_reply_to }) => in_reply_to !== null);
  t.is(answered.length, comments.length);
  t.regex(answered.at(-1)?.body ?? '', /Fixed .* the last one/);
});

test('each comment is answered in its thread, what was fixed is resolved, and nothing of that wakes it again', async (t) => {
  const { scene, github, demo, bob, pull, id, messages } = await pullScene(t);
  const comments = ['Why two?', 'Typo.', 'Rename it.'].map((body, i) => ({ path: 'a.txt', line: i + 1, body }));
  await github.review(demo, pull, bob, { state: 'CHANGES_REQUESTED', comments });
  await scene.deliver();
  const summary = 'I fixed some.\n\n[1] not changed: two are needed\n- **[2] fixed:** thanks @bob\n';
  await scene.work(id, summary, COMMIT);
  const threads = pull.pull.comments.slice(0, 3);
  const answers = pull.pull.comments.slice(3);
  const below = (n: number) => answers.filter(({ in_reply_to }) => in_reply_to === threads[n]).map(({ body }) => body);
  t.regex(below(0)[0] ?? '', /^<!-- errand:\w+ -->\nNot changed\. two are needed$/);
  t.regex(below(1)[0] ?? '', /\nFixed \(c{12}\)\. thanks @\u200Bbob$/);
  t.deepEqual(
    threads.map(({ resolved }) => resolved),
    [false, true, false],
  );
  t.is(answers.length, 3);
  t.regex(below(2)[0] ?? '', /\nPushed c{12}\. The errand says nothing of this comment\.$/);
  t.regex(pull.comments.at(-1)?.body ?? '', /Pushed c{12}\.\n\nI fixed some\.$/, 'the third has a common answer');
  await scene.deliver();
  t.deepEqual(messages(), []);
  t.is(scene.task.status, 'succeeded');
});

test('what Errand writes with the token of the person wakes nothing either', async (t) => {
  const { scene, github, demo, ada, pull, messages } = await pullScene(t);
  const body = '<!-- errand:0123456789abcdefghjk -->\n@errand Fixed. It was @errand fix it';
  github.comment(demo, pull, ada, body);
  await github.review(demo, pull, ada, { state: 'COMMENTED', body, comments: [{ path: 'a.txt', line: 1, body }] });
  await scene.deliver();
  t.deepEqual(messages(), []);
});

test('approvals, bots, people who may not write, and other projects send nothing back to work', async (t) => {
  const { scene, github, demo, bob, pull, messages } = await pullScene(t);
  const comments = [{ path: 'a.txt', line: 1, body: 'Do it again.' }];
  await github.review(demo, pull, bob, { state: 'APPROVED', body: 'Good.', comments });
  const robot = github.world.addPerson('robot', { type: 'Bot' });
  demo.permissions.set(robot, 'write');
  await github.review(demo, pull, robot, { state: 'CHANGES_REQUESTED', body: 'No.', comments });
  const stranger = github.world.addPerson('stranger');
  await github.review(demo, pull, stranger, { state: 'CHANGES_REQUESTED', body: 'No.', comments });
  await github.review(demo, pull, bob, { state: 'COMMENTED', body: '' });
  await scene.deliver();
  t.deepEqual(messages(), []);
  const off = await pullScene(t, { follow_up: false });
  await off.github.review(off.demo, off.pull, off.bob, { state: 'CHANGES_REQUESTED', body: 'No.', comments });
  off.github.check(off.demo, off.commit, { name: 'test', conclusion: 'failure', log: 'x' });
  await off.scene.deliver();
  t.deepEqual(off.messages(), []);
});

test('failed checks go to the errand once all jobs have ended, with what matters of their logs', async (t) => {
  const { scene, github, demo, commit, messages, pull, id } = await pullScene(t);
  const slow = github.check(demo, commit, { name: 'slow', status: 'in_progress', log: '' });
  const log = `${'noise\n'.repeat(20_000)}--- FAIL: TestParse (0.00s)\n    parse_test.go:21: got 3, want 4\nFAIL\n`;
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log });
  await scene.deliver();
  t.deepEqual(messages(), [], 'a job still runs');
  github.finishCheck(demo, slow, 'success');
  await scene.deliver();
  t.is(messages().length, 1);
  const [message = ''] = messages();
  t.regex(message, /\[1\] A check has failed for commit [0-9a-f]{12}/);
  t.regex(message, /parse_test\.go:21: got 3, want 4/);
  t.true(message.length < 7_000, String(message.length));
  github.check(demo, commit, { name: 'late', conclusion: 'failure', log: 'error: late' });
  await scene.deliver();
  t.is(messages().length, 1, 'once for each commit');
  await scene.work(id, 'The test was wrong.\n[1] fixed: the test', COMMIT);
  t.regex(pull.comments.at(-1)?.body ?? '', /Pushed c{12}\.\n\nThe test was wrong\.$/);
});

test('checks elsewhere are waited for too, and what failed meanwhile goes to the errand with them', async (t) => {
  const { scene, github, demo, commit, messages } = await pullScene(t);
  github.status(demo, commit, { context: 'build', state: 'pending' });
  github.status(demo, commit, { context: 'style', state: 'failure' });
  await scene.deliver();
  t.deepEqual(messages(), [], 'one of them still runs');
  github.status(demo, commit, { context: 'build', state: 'error' });
  await scene.deliver();
  t.is(messages().length, 1);
  t.regex(messages()[0] ?? '', /build[^]*style/);
});

test('a failed job goes to the errand by a token that may read Actions and no check runs', async (t) => {
  const { scene, github, demo, commit, messages } = await pullScene(t);
  const { apps } = github;
  github.makePrivate(demo);
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error: here' });
  // The server has the token of the person alone.
  for (const installation of apps.installations) apps.uninstall(installation);
  apps.personalToken = (person) => apps.fineGrainedToken(person, ['actions']);
  await scene.deliver();
  t.regex(messages().join(), /error: here/);
});

test('a check that waits for a person is no failed one, and holds up no other', async (t) => {
  const { github, demo, scene, commit, messages } = await pullScene(t);
  github.check(demo, commit, { name: 'approval', conclusion: 'action_required', log: '' });
  await scene.deliver();
  t.deepEqual(messages(), []);
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error: here' });
  await scene.deliver();
  t.regex(messages().join(), /error: here/);
  t.notRegex(messages().join(), /approval/);
});

test('a failed check of an older commit says nothing', async (t) => {
  const { scene, github, demo, commit, messages, pull } = await pullScene(t);
  await github.push(demo, pull.pull.head, { 'd.txt': 'd' });
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error' });
  await scene.deliver();
  t.deepEqual(messages(), []);
});

test('after three rounds the person is asked, and what came meanwhile waits for the answer', async (t) => {
  const { scene, github, demo, bob, pull, id, messages, row } = await pullScene(t);
  const review = async (body: string) => {
    await github.review(demo, pull, bob, { state: 'CHANGES_REQUESTED', body });
    await scene.deliver();
  };
  for (let n = 1; n <= LIMITS.follow_up_rounds_max; n++) {
    await review(`Round ${n}`);
    t.is(messages().length, 1);
    await scene.work(id, `[${n}] fixed: it`, COMMIT);
  }
  t.is(findPull(scene.log.db, row.id)?.rounds, LIMITS.follow_up_rounds_max);
  await review('Round 4');
  await review('Round 5');
  t.deepEqual(messages(), []);
  const [need, ...more] = listOpenNeeds(scene.log.db, id);
  if (!need) return t.fail();
  t.deepEqual(more, []);
  t.like(need, { kind: 'follow_up', options: [{ value: 'go_on' }, { value: 'stop' }] });
  const answer = (choose: string[], need_id = need.id) =>
    scene.log.write((tx) =>
      answerNeed(tx, { member_budget_usd_max: 100 }, scene.user_id, { id, need_id }, { choose }, null),
    );
  answer(['go_on']);
  t.deepEqual(
    messages().map((text) => /Round \d/.exec(text)?.[0]),
    ['Round 4', 'Round 5'],
  );
  t.like(findFollowUp(scene.log.db, id), { rounds: 0, stopped: false, waiting: [] });
  await scene.work(id, '[4] fixed: it\n[5] fixed: that', COMMIT);
  for (let n = 6; n < 6 + LIMITS.follow_up_rounds_max; n++) {
    await review(`Round ${n}`);
    await scene.work(id, 'Done.', COMMIT);
  }
  await review('One more');
  const second = listOpenNeeds(scene.log.db, id)[0];
  if (!second) return t.fail();
  answer(['stop'], second.id);
  await review('And one more');
  t.deepEqual(messages(), []);
  t.deepEqual(listOpenNeeds(scene.log.db, id), []);
});

test('a review of an errand that is at work waits until it has done what it does', async (t) => {
  const { scene, github, demo, bob, ada, pull, id, messages } = await pullScene(t);
  await github.review(demo, pull, bob, { state: 'COMMENTED', body: 'First.' });
  await scene.deliver();
  await github.review(demo, pull, ada, { state: 'COMMENTED', body: 'Second.' });
  await scene.deliver();
  t.is(messages().length, 2);
  t.is(scene.tasks.length, 1, 'one errand works on a pull request');
  await scene.work(id, '[1] fixed: one\n[2] fixed: two', COMMIT);
  t.is(pull.comments.filter(({ body }) => body.includes('Pushed')).length, 1);
});

test('an errand that its person has cancelled stays so', async (t) => {
  const { scene, github, demo, bob, pull, id, messages } = await pullScene(t);
  await github.review(demo, pull, bob, { state: 'COMMENTED', body: 'First.' });
  await scene.deliver();
  scene.log.write((tx) => cancelTask(tx, scene.user_id, id));
  await github.review(demo, pull, bob, { state: 'COMMENTED', body: 'Second.' });
  await scene.deliver();
  t.is(messages().length, 1);
  t.is(scene.task.status, 'cancelled');
});

test('a question of the errand is told where it was asked for, and gone once it is answered', async (t) => {
  const { scene, issue, id } = await pullScene(t);
  const text = () => issue.comments[0]?.body ?? '';
  scene.log.write((tx) => {
    const task = scene.task;
    const need = { kind: 'question' as const, ref: 'r', question: 'Which one, @bob?', options: [], takes_text: true };
    askNeed(tx, task, need, new Date().toISOString());
  });
  await scene.settled();
  t.regex(text(), /waits for an answer to its question:\n\n> Which one, @\u200Bbob\?$/);
  scene.log.write((tx) =>
    withdrawNeeds(tx, { id, user_id: scene.user_id, attempt: 1 }, () => true, new Date().toISOString()),
  );
  await scene.settled();
  t.regex(text(), /is done/);
});

test('once the pull request is merged nobody is asked any more whether it shall go on', async (t) => {
  const { scene, github, demo, bob, pull, id, row } = await pullScene(t);
  for (let n = 0; n <= LIMITS.follow_up_rounds_max; n++) {
    await github.review(demo, pull, bob, { state: 'CHANGES_REQUESTED', body: `Round ${n}` });
    await scene.deliver();
  }
  t.is(listOpenNeeds(scene.log.db, id).length, 1);
  const { task } = scene;
  scene.log.write((tx) => {
    const merged = { ...(findPull(tx.db, row.id) ?? row), state: 'merged' as const };
    updatePull(tx.db, merged);
    tx.note(
      task,
      { type: 'pull.changed', body: { pull: pullView(merged), changed: ['state'] } },
      new Date().toISOString(),
    );
  });
  await scene.settled();
  t.deepEqual(listOpenNeeds(scene.log.db, id), []);
});

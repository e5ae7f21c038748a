import test, { type ExecutionContext } from 'ava';
import { pullView } from '../../../../coordinator/domain/pull.ts';
import { findFollowUp, putFollowUp } from '../../../../coordinator/sqlite/follow-ups.ts';
import { listOpenNeeds } from '../../../../coordinator/sqlite/needs.ts';
import { findPull, insertPull, updatePull } from '../../../../coordinator/sqlite/pulls.ts';
import { answerNeed } from '../../../../coordinator/tasks/answer-need.ts';
import { askNeed, withdrawNeeds } from '../../../../coordinator/tasks/needs.ts';
import { addMessage, cancelTask } from '../../../../coordinator/tasks/task-commands.ts';
import { LIMITS } from '../../../../protocol/limits.ts';
import { newId } from '../../../../protocol/ids.ts';
import { addTask, endTask, runTask, taskOf } from '../../../support/fixtures.ts';
import { IntakeScene } from '../../../support/forge/intake-scene.ts';

const COMMIT = 'c'.repeat(40);

/** An errand of ada's that has succeeded and has an open pull request. */
async function pullScene(t: ExecutionContext, settings: Parameters<typeof IntakeScene.start>[1] = {}) {
  const scene = await IntakeScene.start(t, settings);
  const issue = scene.github.openIssue(scene.demo, scene.ada, { title: 'It fails', body: '@errand fix it' });
  await scene.deliver();
  const { id } = scene.task;
  const added = await scene.addPull(scene.task);
  await scene.work(id, 'Done.', added.commit);
  await scene.deliver();
  const messages = () => scene.messages(id);
  return {
    scene,
    id,
    issue,
    ...added,
    messages,
    github: scene.github,
    demo: scene.demo,
    ada: scene.ada,
    bob: scene.bob,
  };
}

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
  t.is(answers.length, 2);
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
  github.status(demo, commit, { context: 'licence', state: 'pending' });
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

test('what its person may not read any more does not come to an errand, and comes again once they may', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, bob } = scene;
  const cyd = github.world.addPerson('cyd');
  demo.permissions.set(cyd, 'write');
  demo.private = true;
  scene.addProject(scene.link(cyd));
  github.openIssue(demo, cyd, { title: 'It fails', body: '@errand fix it' });
  await scene.deliver();
  const { id } = scene.task;
  const { pull, row, commit } = await scene.addPull(scene.task, cyd);
  await scene.work(id, 'Done.', commit);
  await scene.deliver();
  const review = (body: string) => github.review(demo, pull, bob, { state: 'COMMENTED', body });
  const fail = async () => {
    github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'Error: the secret of the company' });
    await scene.deliver();
  };
  demo.permissions.delete(cyd);
  await review('The secret plan');
  await scene.deliver();
  await fail();
  t.deepEqual(scene.messages(id), []);
  const due = findPull(scene.log.db, row.id)?.next_look_at ?? '';
  t.true(due !== '' && due <= new Date().toISOString(), 'its pull request is looked at, and says why');
  demo.permissions.set(cyd, 'read');
  await review('Nearly.');
  await scene.deliver();
  t.regex(scene.messages(id).join(), /Nearly\./);
});

test('of several errands on a pull request the one at work answers for it, else the newest; others wait for it', async (t) => {
  const { scene, github, demo, bob, id: first, pull, commit, row } = await pullScene(t);
  const review = async (body: string) => {
    await github.review(demo, pull, bob, { state: 'COMMENTED', body });
    await scene.deliver();
  };
  const other = (has_pull: boolean) => {
    const { repo_url, project_id, branch: work_branch } = taskOf(scene.log, first);
    const task = addTask(scene.log, scene.user_id, {
      project_id,
      work_branch,
      repo_url: repo_url.replace('.git', '/'),
    });
    if (has_pull) scene.log.write(({ db }) => insertPull(db, { ...row, id: newId(), task_id: task.id }));
    return task.id;
  };
  const second = other(true);
  await scene.work(second, 'Done.', commit);
  await review('One');
  t.regex(scene.messages(second).join(), /One/);
  t.deepEqual(scene.messages(first), []);
  await scene.work(second, 'Done.', commit);

  scene.log.write((tx) => addMessage(tx, scene.user_id, first, { text: 'Go on' }));
  runTask(scene.log, first);
  await review('Two');
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error: three' });
  await scene.deliver();
  t.is(scene.messages(first).length, 3, 'the one at work');
  t.deepEqual(scene.messages(second), []);
  endTask(scene.log, first);
  await scene.work(first, 'Done.', commit);

  const third = other(false);
  await review('Four');
  t.deepEqual(
    [first, second, third].map((id) => scene.messages(id).length),
    [0, 0, 0],
  );
  const [need] = listOpenNeeds(scene.log.db, second);
  t.regex(need?.question ?? '', /while another errand works on its branch\. Shall it go on\?/);
  const goOn = () =>
    scene.log.write((tx) =>
      answerNeed(
        tx,
        { member_budget_usd_max: 100 },
        scene.user_id,
        { id: second, need_id: need?.id ?? '' },
        { choose: ['go_on'] },
        null,
      ),
    );
  t.throws(goOn, { message: /works on the branch .* now/ });
  await scene.work(third, 'Done.', commit);
  goOn();
  t.regex(scene.messages(second).join(), /Four/);
});

/** As many rounds as an errand may have by itself, and one more, which waits. */
async function waitingScene(t: ExecutionContext) {
  const made = await pullScene(t);
  const { scene, github, demo, bob, pull, id } = made;
  const review = async (body: string, by = bob, comments: { path: string; line: number; body: string }[] = []) => {
    await github.review(demo, pull, by, { state: 'COMMENTED', body, comments });
    await scene.deliver();
  };
  for (let n = 1; n <= LIMITS.follow_up_rounds_max; n++) {
    await review(`Round ${n}`);
    await scene.work(id, 'Done.', COMMIT);
  }
  await review('It waits', bob, [{ path: 'a.txt', line: 2, body: 'Why this?' }]);
  t.is(listOpenNeeds(scene.log.db, id).length, 1);
  t.deepEqual(made.messages(), []);
  return { ...made, review };
}

test('a mention while the person is asked sends what waits along, and asks no more', async (t) => {
  const { scene, github, demo, ada, pull, id, messages } = await waitingScene(t);
  github.comment(demo, pull, ada, '@errand and rename the file');
  await scene.deliver();
  t.deepEqual(listOpenNeeds(scene.log.db, id), []);
  t.is(messages().length, 2);
  t.regex(messages()[0] ?? '', /Why this\?/);
  t.regex(messages()[1] ?? '', /rename the file/);
  const n = /\[(\d+)\] a\.txt/.exec(messages()[0] ?? '')?.[1];
  await scene.work(id, `Done.\n[${n}] fixed: it`, 'd'.repeat(40));
  t.true(
    pull.pull.comments.some(({ body }) => /Fixed \(d{12}\)\. it/.test(body)),
    'it is answered in its thread',
  );
});

test('what the person is asked outlives the end of the work, and the answer sends it all', async (t) => {
  const { scene, id, messages, review, github, demo, ada, pull } = await waitingScene(t);
  github.comment(demo, pull, ada, '@errand go on');
  await scene.deliver();
  await scene.work(id, 'Done.', COMMIT);
  for (let n = 1; n < LIMITS.follow_up_rounds_max; n++) {
    await review(`Again ${n}`);
    await scene.work(id, 'Done.', COMMIT);
  }
  await review('The last one');
  runTask(scene.log, id);
  await review('While it works');
  t.is(listOpenNeeds(scene.log.db, id).length, 1);
  endTask(scene.log, id);
  const [need] = listOpenNeeds(scene.log.db, id);
  t.is(need?.kind, 'follow_up');
  const given = { id, need_id: need?.id ?? '' };
  scene.log.write((tx) =>
    answerNeed(tx, { member_budget_usd_max: 100 }, scene.user_id, given, { choose: ['go_on'] }, null),
  );
  t.regex(messages().at(-1) ?? '', /While it works/);
});

test('a review in which the person of the errand calls it goes on, whatever was decided, with its comments', async (t) => {
  const { scene, ada, bob, id, messages, review } = await waitingScene(t);
  await review('@errand look at the lines', ada, [{ path: 'a.txt', line: 1, body: 'Rename it.' }]);
  t.deepEqual(listOpenNeeds(scene.log.db, id), []);
  t.is(messages().length, 2);
  t.regex(messages()[0] ?? '', /It waits/);
  t.regex(messages()[1] ?? '', /look at the lines[^]*Rename it\./);
  await scene.work(id, 'Done.', COMMIT);
  scene.log.write(({ db }) => putFollowUp(db, id, { rounds: 1, stopped: true, waiting: [] }));
  await review('@errand do it all', bob);
  t.deepEqual(messages(), [], 'bob is not the person of the errand');
  await review('', ada, [{ path: 'a.txt', line: 2, body: '@errand shorten this' }]);
  t.regex(messages().join(), /shorten this/);
});

test('what was fixed names a commit that came after it was asked for, and without one nothing is resolved', async (t) => {
  const { scene, github, demo, bob, pull, id } = await pullScene(t);
  const round = async (n: number, commit: string) => {
    const comments = [{ path: 'a.txt', line: 1, body: `Number ${n}` }];
    await github.review(demo, pull, bob, { state: 'COMMENTED', body: '', comments });
    await scene.deliver();
    await scene.work(id, `[${n}] fixed: it`, commit);
    const asked = pull.pull.comments.find(({ body }) => body === `Number ${n}`);
    const answer = pull.pull.comments.find(({ in_reply_to }) => in_reply_to === asked);
    return [answer?.body.replace(/^<!--.*-->\n/, ''), asked?.resolved];
  };
  t.deepEqual(await round(1, 'd'.repeat(40)), ['Fixed (dddddddddddd). it', true]);
  t.deepEqual(await round(2, 'd'.repeat(40)), ['Nothing was pushed for this. it', false]);
  t.deepEqual(await round(3, 'e'.repeat(40)), ['Fixed (eeeeeeeeeeee). it', true]);
});

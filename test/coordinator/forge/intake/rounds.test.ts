import test, { type ExecutionContext } from 'ava';
import { putFollowUp } from '../../../../coordinator/sqlite/follow-ups.ts';
import { listOpenNeeds } from '../../../../coordinator/sqlite/needs.ts';
import { findPull, insertPull } from '../../../../coordinator/sqlite/pulls.ts';
import { answerNeed } from '../../../../coordinator/tasks/answer-need.ts';
import { addMessage } from '../../../../coordinator/tasks/task-commands.ts';
import { LIMITS } from '../../../../protocol/limits.ts';
import { newId } from '../../../../protocol/ids.ts';
import { addTask, endTask, runTask, taskOf } from '../../../support/fixtures.ts';
import type { Where } from '../../../support/forge/do-work.ts';
import { IntakeScene } from '../../../support/forge/intake-scene.ts';

import { COMMIT, pullScene } from '../../../support/forge/errand-pull.ts';

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
  t.is(scene.messages(first).length, 2, 'the one at work');
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
  const round = async (n: number, commit: string, where?: Where) => {
    const comments = [{ path: 'a.txt', line: 1, body: `Number ${n}` }];
    await github.review(demo, pull, bob, { state: 'COMMENTED', body: '', comments });
    await scene.deliver();
    await scene.work(id, `[${n}] fixed: it`, commit, where);
    const asked = pull.pull.comments.find(({ body }) => body === `Number ${n}`);
    const answer = pull.pull.comments.find(({ in_reply_to }) => in_reply_to === asked);
    return [answer?.body.replace(/^<!--.*-->\n/, ''), asked?.resolved];
  };
  t.deepEqual(await round(1, 'd'.repeat(40)), ['Fixed (dddddddddddd). it', true]);
  t.deepEqual(await round(2, 'd'.repeat(40)), ['Nothing was pushed for this. it', false]);
  t.deepEqual(await round(3, 'e'.repeat(40)), ['Fixed (eeeeeeeeeeee). it', true]);
  scene.log.write(({ db }) => putFollowUp(db, id, { rounds: 0, stopped: false, waiting: [] }));
  const theirs = await round(4, 'f'.repeat(40), { is_own: false });
  t.deepEqual(theirs, ['Nothing was pushed for this. it', false], 'somebody else has pushed the commit');
  const elsewhere = await round(5, 'a'.repeat(40), { branch: 'errand/other' });
  t.deepEqual(elsewhere, ['Fixed (aaaaaaaaaaaa on the branch `errand/other`). it', false]);
});

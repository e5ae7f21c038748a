import test from 'ava';
import type { NeedAsk } from '../../../../coordinator/domain/need.ts';
import { findFollowUp, putFollowUp } from '../../../../coordinator/sqlite/follow-ups.ts';
import { listOpenNeeds } from '../../../../coordinator/sqlite/needs.ts';
import { findPull } from '../../../../coordinator/sqlite/pulls.ts';
import { answerNeed } from '../../../../coordinator/tasks/answer-need.ts';
import { askNeed } from '../../../../coordinator/tasks/needs.ts';
import { addMessage } from '../../../../coordinator/tasks/task-commands.ts';
import { LIMITS } from '../../../../protocol/limits.ts';
import { endAttempt } from '../../../../coordinator/tasks/advance.ts';
import { runTask, taskOf } from '../../../support/fixtures.ts';
import { pullScene } from '../../../support/forge/errand-pull.ts';

const OPTIONS = [
  { value: 'approve', label: 'Approve' },
  { value: 'send_back', label: 'Send back' },
];
const MORE = [
  { value: 'more_1', label: 'More' },
  { value: 'end', label: 'End' },
];
/** What a person may be asked, and what they answer. */
const ASKED: { ask: NeedAsk; choose: string[]; text?: string }[] = [
  { ask: { kind: 'question', ref: 'q', question: 'Which?', options: [], takes_text: true }, choose: [], text: 'B' },
  { ask: { kind: 'push', ref: 'p', question: 'Push?', options: OPTIONS, takes_text: true }, choose: ['approve'] },
  { ask: { kind: 'budget', ref: 'b', question: 'More?', options: MORE }, choose: ['end'] },
];

const now = () => new Date().toISOString();

/** An errand with a pull request that is at work again, and asks; `parked`: without a worker. */
async function askingScene(t: Parameters<typeof pullScene>[0], ask: NeedAsk, parked: boolean) {
  const made = await pullScene(t);
  const { scene, id } = made;
  scene.log.write((tx) => addMessage(tx, scene.user_id, id, { text: 'Go on' }));
  const first = made.messages();
  runTask(scene.log, id);
  const task = taskOf(scene.log, id);
  scene.log.write((tx) => {
    if (!parked) return askNeed(tx, task, ask, now());
    return endAttempt(tx, task, task.attempt, { status: 'parked', reason: null, detail: null, at: now() }, ask);
  });
  await scene.settled();
  return { ...made, new_messages: () => made.messages().slice(first.length) };
}

for (const { ask, choose, text } of ASKED)
  for (const parked of [false, true])
    test(`an open ${ask.kind}${parked ? ' of a parked errand' : ''} outlives reviews and failed checks, which come to the errand once it is answered`, async (t) => {
      const { scene, github, demo, bob, pull, commit, id, new_messages } = await askingScene(t, ask, parked);
      const before = taskOf(scene.log, id).status;
      await github.review(demo, pull, bob, { state: 'CHANGES_REQUESTED', body: 'Take A, @errand.' });
      github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error: three' });
      await scene.deliver();
      const [need, ...others] = listOpenNeeds(scene.log.db, id);
      t.deepEqual([need?.kind, others], [ask.kind, []]);
      t.is(taskOf(scene.log, id).status, before);
      t.deepEqual(new_messages(), []);
      const given = { id, need_id: need?.id ?? '' };
      const answer = { choose, ...(text !== undefined && { text }) };
      scene.log.write((tx) => answerNeed(tx, { member_budget_usd_max: 100 }, scene.user_id, given, answer, null));
      if (taskOf(scene.log, id).status === 'queued') runTask(scene.log, id);
      await scene.settled();
      if (ask.kind === 'budget' && parked) {
        t.is(taskOf(scene.log, id).status, 'failed', 'who ends it is asked before it starts again');
        t.deepEqual(
          listOpenNeeds(scene.log.db, id).map(({ kind }) => kind),
          ['follow_up'],
        );
        return;
      }
      t.regex(new_messages().at(-1) ?? '', /Take A/);
      t.deepEqual(findFollowUp(scene.log.db, id).waiting, []);
    });

test('what waits for an answer counts as a round, and after as many as may be the person is asked that too', async (t) => {
  const [question] = ASKED;
  if (!question) return t.fail();
  const { scene, github, demo, bob, pull, row, id, new_messages } = await askingScene(t, question.ask, false);
  for (let n = 0; n <= LIMITS.follow_up_rounds_max; n++) {
    await github.review(demo, pull, bob, { state: 'COMMENTED', body: `Round ${n}` });
    await scene.deliver();
  }
  t.deepEqual(
    listOpenNeeds(scene.log.db, id)
      .map(({ kind }) => kind)
      .toSorted(),
    ['follow_up', 'question'],
  );
  t.is(findPull(scene.log.db, row.id)?.rounds, LIMITS.follow_up_rounds_max);
  t.deepEqual(new_messages(), []);
});

test("a mention of the person answers the question with the person's own words, and what waited comes after them", async (t) => {
  const [question] = ASKED;
  if (!question) return t.fail();
  const { scene, github, demo, ada, bob, pull, id, new_messages } = await askingScene(t, question.ask, false);
  await github.review(demo, pull, bob, { state: 'COMMENTED', body: 'Take A' });
  await scene.deliver();
  github.comment(demo, pull, ada, '@errand take B');
  await scene.deliver();
  t.deepEqual(listOpenNeeds(scene.log.db, id), []);
  t.is(new_messages().length, 2);
  t.regex(new_messages()[0] ?? '', /^take B/);
  t.regex(new_messages()[1] ?? '', /Take A/);
});

test('a review in which the person calls the errand waits for their answer too, though they wanted no more', async (t) => {
  const [question] = ASKED;
  if (!question) return t.fail();
  const { scene, github, demo, ada, pull, id, new_messages } = await askingScene(t, question.ask, false);
  scene.log.write(({ db }) => putFollowUp(db, id, { rounds: 0, stopped: true, waiting: [] }));
  await github.review(demo, pull, ada, { state: 'COMMENTED', body: '@errand rename it' });
  await scene.deliver();
  t.is(listOpenNeeds(scene.log.db, id).length, 1);
  t.deepEqual(new_messages(), []);
  const given = { id, need_id: listOpenNeeds(scene.log.db, id)[0]?.id ?? '' };
  const answer = { choose: [], text: 'B' };
  scene.log.write((tx) => answerNeed(tx, { member_budget_usd_max: 100 }, scene.user_id, given, answer, null));
  await scene.settled();
  t.regex(new_messages().at(-1) ?? '', /rename it/);
});

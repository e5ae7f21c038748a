import test from 'ava';
import { refusalWords } from '../../../../coordinator/forge/intake/public-reasons.ts';
import { roundWords, statusWords } from '../../../../coordinator/forge/intake/words.ts';
import { endAttempt } from '../../../../coordinator/tasks/advance.ts';
import { ErrandError, ErrorCode } from '../../../../protocol/problem.ts';
import { FailureReason } from '../../../../protocol/task.ts';
import { runTask } from '../../../support/fixtures.ts';
import { IntakeScene } from '../../../support/forge/intake-scene.ts';

const INTERNAL = 'Cannot reach 10.0.0.7 for somebody@example.org: 3.50 of 4.00 dollars, branch secret-plan.';
const LEAK = /10\.0\.0\.7|somebody|dollars|secret-plan/;

test('the comments of an errand that has failed have none of the words of the error', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, log } = scene;
  const issue = github.openIssue(demo, ada, { title: 'x', body: '@errand try it' });
  await scene.deliver();
  const { id } = scene.task;
  runTask(log, id);
  const end = { status: 'failed', reason: 'verify_failed', detail: INTERNAL, at: new Date().toISOString() } as const;
  log.write((tx) => endAttempt(tx, scene.task, scene.task.attempt, end));
  await scene.settled();
  const said = issue.comments.map(({ body }) => body).join('\n');
  t.regex(said, /\[The errand\]\(https:\S+\) has failed: the project's verify command failed\.$/);
  t.notRegex(said, LEAK);
});

test('each reason of a failure has a sentence for strangers', (t) => {
  for (const reason of FailureReason.options) {
    const task = { status: 'failed', reason, detail: INTERNAL, result: null, pushed_branch: null } as const;
    const status = statusWords({ task, link: null, needs: [], pull: undefined });
    t.regex(status, /^The errand has failed: [a-z' ]+\.$/, reason);
    t.regex(roundWords(task, null), /^This could not be finished: [a-z' ]+\.$/, reason);
  }
});

test('an errand whose pushed work was all taken back is said to have changed nothing', (t) => {
  const said = (commit: string) => {
    const diff_stat = { files: 0, insertions: 0, deletions: 0 };
    const result = { summary: '', branch: 'errand/x', commit, base_commit: 'a'.repeat(40), diff_stat };
    const task = { status: 'succeeded', reason: null, result, pushed_branch: 'errand/x' } as const;
    return statusWords({ task, link: null, needs: [], pull: undefined });
  };
  t.is(said('b'.repeat(40)), 'The errand is done. Its branch is `errand/x`.');
  t.is(said('a'.repeat(40)), 'The errand is done. It changed nothing.');
});

test('what became of the pull request of an errand is said, and where its work is once that was closed', (t) => {
  const said = (state: 'open' | 'merged' | 'closed', commit: string | null) => {
    const diff_stat = { files: 0, insertions: 0, deletions: 0 };
    const result = { summary: '', branch: 'errand/x', commit, base_commit: null, diff_stat };
    const task = { status: 'succeeded', reason: null, result, pushed_branch: 'errand/x' } as const;
    return statusWords({ task, link: null, needs: [], pull: { state, number: 1, url: null } });
  };
  const commit = 'b'.repeat(40);
  t.is(said('open', commit), 'The errand is done. Its pull request is #1.');
  t.is(said('merged', commit), 'The errand is done. Its pull request #1 was merged.');
  t.is(
    said('closed', commit),
    'The errand is done. Its pull request #1 was closed. The work is on the branch `errand/x`.',
  );
  t.is(said('closed', null), 'The errand is done. Its pull request #1 was closed.');
});

test('why an errand was not started is told without the words of the error', (t) => {
  for (const code of ErrorCode.options) {
    const errors = [{ field: '/budget_usd', message: INTERNAL }];
    for (const error of [new ErrandError(code, INTERNAL), new ErrandError(code, INTERNAL, { errors })]) {
      t.regex(refusalWords(error), /^Not started: .*\.$/);
      t.notRegex(refusalWords(error), LEAK);
    }
  }
});

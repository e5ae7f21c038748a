import assert from 'node:assert/strict';
import type { DiffStat } from '../../protocol/change.ts';
import { newId } from '../../protocol/ids.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import type { Rule } from './rule.ts';
import { exits, hand, healthy, keptTheRules, wholeLife, type WorkerUnderTest } from './worker-calls.ts';
import { BASE_BRANCH, type RunningWorker, type WorkerSource } from './worker-under-test.ts';

/** Rules about where the work begins and what is pushed. Each needs a new worker. */
export const PUSH_RULES: readonly Rule<WorkerUnderTest>[] = [
  {
    name: 'the work begins at the base branch of the assignment',
    check: async (context) => {
      const { git } = context.source;
      const task = await wholeLife(context, { base_branch: BASE_BRANCH });
      const wanted = `${BASE_BRANCH} at ${(await git('rev-parse', `refs/heads/${BASE_BRANCH}`)).trim()}`;
      const ready = task.events.find(({ type }) => type === 'repository.ready');
      assert.ok(ready?.type === 'repository.ready', 'it reported no repository.ready');
      const { base_branch, base_commit } = ready.body;
      const given = `${base_branch} at ${base_commit}`;
      assert.ok(given === wanted, `repository.ready says that it began at ${given}; it should be ${wanted}`);
      const { result } = task.current;
      const based = `${BASE_BRANCH} at ${result?.base_commit}`;
      assert.ok(based === wanted, `its result says that it began at ${based}; it should be ${wanted}`);
      await isAsItSays(context.source, task);
    },
  },
  {
    name: 'no push has the value of a secret variable',
    check: async (context) => {
      const secret = newId();
      const task = await wholeLife(context, {
        setup_command: 'echo "key=$SUITE_SECRET" > from-the-setup.txt',
        env: { SUITE_SECRET: secret },
        secrets: ['SUITE_SECRET'],
      });
      const [found] = (await context.source.git('log', '--all', '--format=%H', `-S${secret}`)).trim().split('\n');
      assert.ok(found === '', `it pushed the commit ${found}, which has the value of a secret variable`);
      keptTheRules(task);
    },
  },
  {
    name: 'the next attempt of a task that has ended resumes it: it adds no message again, and goes on from what was pushed',
    check: async (context) => {
      let worker: RunningWorker | undefined;
      const task = await wholeLife(context, {}, (_task, started) => (worker = started));
      const first = task.current;
      const [heard] = task.messages;
      assert.ok(worker && heard, 'it was not started');
      task.nextAttempt();
      const next = task.say('Be clear.');
      const assignment = task.assignment();
      const again = await worker.again();
      await healthy(again);
      await hand(again, task, assignment);
      await exits(again, 0, context.work_ms);
      const [start] = task.events;
      assert.ok(start?.type === 'agent.started', `its first event was ${start?.type}`);
      const resumes = start.body.resumed || assignment.transcript.length === 0;
      assert.ok(resumes, 'its agent.started says that it did not resume, though its assignment has a transcript');
      for (const [id, times] of [
        [heard.id, 0],
        [next.id, 1],
      ] as const) {
        const added = task.events.filter(({ type, body }) => type === 'input.added' && body.message_id === id).length;
        assert.ok(added === times, `the next attempt has ${added} input.added of the message ${id}, not ${times}`);
      }
      const { result } = task.current;
      assert.ok(result, 'the next attempt came to no result');
      if (first.result?.commit && result.commit)
        assert.ok(
          await isAncestor(context.source, first.result.commit, result.commit),
          `the commit ${result.commit} of the next attempt does not follow ${first.result.commit}, which was pushed before`,
        );
      keptTheRules(task);
    },
  },
];

/** Requires that the repository has what the result says of the push. */
export async function isAsItSays(source: WorkerSource, { events, current }: MockTask): Promise<void> {
  assert.ok(current.result, 'it posted no result');
  const { branch, commit, base_commit, diff_stat, diff } = current.result;
  if (branch === null) return;
  const there =
    (await source.git('for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`)).trim() || 'nothing';
  assert.ok(there === commit, `the branch ${branch} has ${there}, and its result says ${commit}`);
  const isReported = events.some(
    ({ type, body }) => type === 'branch.pushed' && body.branch === branch && body.commit === commit,
  );
  assert.ok(isReported, `no branch.pushed names ${branch} with the commit ${commit}`);
  const is_base = base_commit !== null && (await isAncestor(source, base_commit, commit));
  assert.ok(is_base, `its result's base_commit ${base_commit} is not below its commit ${commit}`);
  const real = await Promise.all([
    statOf(source, '--no-renames', base_commit, commit),
    statOf(source, '-M', base_commit, commit),
  ]);
  const given = words(diff_stat);
  assert.ok(real.includes(given), `its result has a diff_stat of ${given}; git has ${real[0]}`);
  assert.ok(diff !== '' || given === words(NOTHING), 'its result has a change, and an empty diff');
}

const NOTHING: DiffStat = { files: 0, insertions: 0, deletions: 0 };
const words = ({ files, insertions, deletions }: DiffStat) => `${files} files, +${insertions} −${deletions}`;

const isAncestor = ({ git }: WorkerSource, before: string, after: string) =>
  git('merge-base', '--is-ancestor', before, after).then(
    () => true,
    () => false,
  );

async function statOf({ git }: WorkerSource, renames: string, from: string, to: string): Promise<string> {
  const stat = { ...NOTHING };
  for (const line of (await git('diff', '--numstat', renames, from, to)).split('\n').filter(Boolean)) {
    const [added, removed] = line.split('\t').map((count) => Number(count) || 0);
    stat.files += 1;
    stat.insertions += added ?? 0;
    stat.deletions += removed ?? 0;
  }
  return words(stat);
}

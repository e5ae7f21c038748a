import test from 'ava';
import { getsNewPull } from '../../../coordinator/domain/pull.ts';
import { branchPrefix } from '../../../coordinator/domain/task.ts';
import { newId } from '../../../protocol/ids.ts';

const [BASE, PUSHED, NEW] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];
const [task_id, other] = [newId(), newId()];
const [OWN, OTHER] = [`${branchPrefix(task_id)}mend-it`, `${branchPrefix(other)}mend-it`];
const work = { commit: NEW, base_commit: BASE };
const ended = (state: 'merged' | 'closed', head_branch: string, head_commit: string) => ({
  task_id,
  state,
  head_branch,
  head_commit,
  told_commit: null,
});

test('work after a merge gets a new pull request, on any branch', (t) => {
  t.true(getsNewPull(ended('merged', OWN, PUSHED), work));
  t.true(getsNewPull(ended('merged', 'feature', PUSHED), work));
  t.false(getsNewPull(ended('merged', OWN, NEW), work));
});

test('one that a person closed gets no other; one that a forge closed, since its branch was at the base, gets one', (t) => {
  t.false(getsNewPull(ended('closed', OWN, PUSHED), work));
  t.true(getsNewPull(ended('closed', OWN, BASE), work));
});

test('the base of a branch that a person named may be its last commit: what they closed stays closed', (t) => {
  for (const branch of ['feature', OTHER]) t.false(getsNewPull(ended('closed', branch, BASE), work));
});

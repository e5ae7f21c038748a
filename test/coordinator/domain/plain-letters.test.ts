import test from 'ava';
import { repositoryKeys } from '../../../coordinator/domain/task-repository.ts';
import { newTask } from '../../../coordinator/domain/task.ts';
import { newId } from '../../../protocol/ids.ts';

const DEFAULTS = { project_id: null, base_branch: null, model: 'demo', budget_usd: 1, max_turns: 1, priority: 0 };

const branchOf = (prompt: string) => {
  const fields = { ...DEFAULTS, user_id: newId(), repo_url: 'https://git.example.org/a/first', prompt };
  const { id, branch } = newTask(fields, new Date().toISOString());
  return branch.replace(`errand/${id}-`, '');
};

test('the words in the name of a branch keep their letters, without the signs of other languages', (t) => {
  t.is(branchOf('Während der Server weg ist: Größe prüfen'), 'wahrend-der-server-weg-ist-grosse-prufen');
  t.is(branchOf('Café à la carte'), 'cafe-a-la-carte');
  t.is(branchOf('Zażółć gęślą jaźń'), 'zazolc-gesla-jazn');
  t.is(branchOf('LØS PRØVEN, İstanbul'), 'los-proven-istanbul');
  t.is(branchOf('修复测试'), 'errand');
});

test('the key of a repository keeps its letters, too', (t) => {
  t.deepEqual(repositoryKeys(['https://git.example.org/a/first', 'https://git.example.org/a/übungen']), [
    'first',
    'ubungen',
  ]);
});

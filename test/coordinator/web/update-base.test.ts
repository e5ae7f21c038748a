import test from 'ava';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test('an errand that has pushed is asked to merge its newest base with one touch', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t);
  const body = { prompt: 'Done', repo_url: 'https://forge.example/a/b', base_branch: 'develop' };
  const done = new LivelyErrand(server, await api.call('createTask', { body }));
  done.begin();
  done.succeed({ summary: 'It is done.', diff_stat: { files: 1, insertions: 1, deletions: 0 } });
  await page.locator('.task', { hasText: 'It is done.' }).click();
  await page.getByRole('button', { name: 'Details' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Merge the newest base' }).click();
  await page.getByText('Bring your branch up to date with develop').waitFor();
  await until('it goes on', async () => {
    return (await api.call('getTask', { params: { id: done.id } })).status === 'queued';
  });
  t.deepEqual(faults, []);
});

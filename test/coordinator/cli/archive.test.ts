import test from 'ava';
import { loggedIn } from '../../support/logged-in.ts';
import { StagedErrand } from '../../support/staged-errand.ts';

type Scene = Awaited<ReturnType<typeof loggedIn>>;

async function ended({ server, api }: Scene, prompt: string, branch: string | null = null): Promise<string> {
  const { id } = await api.call('createTask', { body: { prompt, repo_url: 'errand://sample' } });
  const errand = new StagedErrand(server.log, id);
  const diff_stat = { files: 0, insertions: 0, deletions: 0 };
  errand.begin();
  errand.end('succeeded', null, { summary: prompt, branch, commit: null, base_commit: null, diff_stat });
  return id;
}

test('archived errands are out of the list, found by a search, and come back', async (t) => {
  const scene = await loggedIn(t);
  const { cli } = scene;
  t.is((await cli.run(['tasks', '--archived'])).stdout, 'No errand is archived.\n');
  const lamp = await ended(scene, 'Mend the lamp');
  await ended(scene, 'Mend the door');
  t.regex((await cli.run(['archive', lamp.slice(-6)])).stdout, /^Archived\. .* tasks --archived\n$/);
  const titles = async (...more: string[]) =>
    [...(await cli.run(['tasks', ...more])).stdout.matchAll(/Mend the \w+/g)].map(([title]) => title);
  t.deepEqual(await titles(), ['Mend the door']);
  t.deepEqual(await titles('--status', 'succeeded'), ['Mend the door']);
  t.deepEqual(await titles('--archived'), ['Mend the lamp']);
  t.deepEqual(await titles('--search', 'mend'), ['Mend the door', 'Mend the lamp']);
  t.is((await cli.run(['unarchive', lamp.slice(-6)])).stdout, 'It is in the list again.\n');
  t.deepEqual(await titles(), ['Mend the door', 'Mend the lamp']);
});

test('an errand that has not ended cannot be archived, and the refusal says what to do', async (t) => {
  const { api, cli } = await loggedIn(t);
  const { id } = await api.call('createTask', { body: { prompt: 'Go', repo_url: 'errand://sample' } });
  const { code, stderr } = await cli.run(['archive', id]);
  t.not(code, 0);
  t.regex(stderr, /has not ended: cancel it first/);
});

test('update asks an errand to merge its newest base, and one that has ended goes on', async (t) => {
  const scene = await loggedIn(t);
  const { api, cli } = scene;
  const id = await ended(scene, 'Mend it', 'errand/x-mend-it');
  t.is((await cli.run(['update', id])).stdout, 'Asked. The errand goes on with it.\n');
  const { items } = await api.call('listMessages', { params: { id } });
  t.regex(items[0]?.text ?? '', /^Bring your branch up to date with the branch that it started from: .*merge it/);
  const bare = await ended(scene, 'Look at it');
  const { code, stderr } = await cli.run(['update', bare]);
  t.not(code, 0);
  t.regex(stderr, /pushed no branch yet/);
});

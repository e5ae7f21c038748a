import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { sampleBackend } from '../../../coordinator/demo/sample-backend.ts';
import { ensureSampleOf, samplesIn } from '../../../coordinator/demo/sample-repository.ts';
import { folderSize } from '../../../coordinator/base/folder-size.ts';
import { newId } from '../../../protocol/ids.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { boast, crumbs, deltas, zeros } from '../../support/pack-bomb.ts';
import { cloneWithWork, commit, setUp } from '../../support/git-proxy-scene.ts';
import { git, tryGit } from '../../support/git-server.ts';

const MB = 1024 * 1024;
const SAMPLE = { repository: () => ({ repo_url: 'errand://sample', credential: undefined }) };

/** A git proxy whose tasks have their own copies of the sample, as on a server. */
async function scene(t: Parameters<typeof setUp>[0]) {
  const data_dir = await temporaryFolder(t);
  const own = await setUp(t, { ...SAMPLE, sample: sampleBackend((id) => ensureSampleOf(data_dir, id)) });
  const samples = join(data_dir, 'samples');
  const bytes = () => folderSize('bytes', [samples], { within_ms: 10_000, signal: AbortSignal.timeout(10_000) });
  return { data_dir, samples, own, bytes };
}

test("what one errand pushes to the sample is in nobody else's copy, and goes with its task", async (t) => {
  const { data_dir, own } = await scene(t);
  const clone = await cloneWithWork(own);
  await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${own.prefix}work`);
  const [task, other] = [newId(), newId()];
  const [first, second] = await Promise.all([ensureSampleOf(data_dir, task), ensureSampleOf(data_dir, other)]);
  t.is(await git(first, 'branch', '--list', 'errand/*'), '');
  await git(first, 'branch', 'errand/x', 'main');
  t.is(await git(second, 'branch', '--list', 'errand/*'), '');
  t.is(await ensureSampleOf(data_dir, task), first);
  await samplesIn(data_dir).remove(task);
  await samplesIn(data_dir).remove(task);
  t.deepEqual([existsSync(first), existsSync(second)], [false, true]);
  await t.throwsAsync(ensureSampleOf(data_dir, '../x'));
});

test('a pack that unpacks to gigabytes takes little of the disk, and its push ends', async (t) => {
  const { own, bytes } = await scene(t);
  const clone = await cloneWithWork(own);
  // 100 MB of zeros are less than a megabyte as a pack.
  for (let i = 0; i < 3; i++)
    await commit(clone, `zeros-${i}`, Buffer.concat([randomBytes(8), Buffer.alloc(100 * MB)]));
  const pushed = await tryGit(clone, 'push', 'origin', `HEAD:refs/heads/${own.prefix}bomb`);
  t.true((await bytes()) < 20 * MB, pushed.stderr);
});

test('pushes are refused once the copy is full, also of those that come at once, and reads go on', async (t) => {
  const data_dir = await temporaryFolder(t);
  const limits = { push_bytes_max: 2 * MB, repository_bytes_max: 4 * MB };
  const own = await setUp(t, { ...SAMPLE, sample: sampleBackend((id) => ensureSampleOf(data_dir, id), limits) });
  const clone = await cloneWithWork(own);
  const branches = Array.from({ length: 6 }, (_, i) => `${own.prefix}${i}`);
  for (const branch of branches) {
    await git(clone, 'checkout', '--quiet', '-b', branch, 'origin/HEAD');
    await commit(clone, 'random', randomBytes(1.8 * MB));
  }
  const pushed = await Promise.all(branches.map((branch) => tryGit(clone, 'push', 'origin', branch)));
  const refused = pushed.filter(({ ok }) => !ok);
  t.true(refused.length >= 3, `${refused.length}`);
  for (const { stderr } of refused) t.regex(stderr, /413|full/);
  const limit = { within_ms: 10_000, signal: AbortSignal.timeout(10_000) };
  t.true((await folderSize('bytes', [join(data_dir, 'samples')], limit)) < 7 * MB);
  t.true((await tryGit(clone, 'fetch', 'origin')).ok);
});

const BOMBS = {
  'four gigabytes of zeros in one blob': () => zeros(4096),
  'ten deltas that each make a gigabyte': () => deltas(10, 1024),
  'a hundred deltas of 50 MB': () => deltas(100, 50),
  'three hundred thousand objects': () => crumbs(300_000),
  'a pack that says it has four billion objects': () => boast(),
};

for (const [what, makePack] of Object.entries(BOMBS))
  test(`a push of ${what} ends within the limits, and others read the sample meanwhile`, async (t) => {
    t.timeout(300_000);
    const { own, samples, bytes, data_dir } = await scene(t);
    const command = `${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/${own.prefix}bomb\0report-status\n`;
    const head = `${(command.length + 4).toString(16).padStart(4, '0')}${command}0000`;
    const body = Buffer.concat([Buffer.from(head), makePack()]);
    t.true(body.length < 16 * MB, `${body.length} bytes`);
    const pushed = fetch(`${own.server.url}/git-receive-pack`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-git-receive-pack-request' },
      body,
    }).then(
      async (response) => `${response.status} ${await response.text().catch(() => 'cut')}`,
      () => 'cut',
    );
    const other = await ensureSampleOf(data_dir, newId());
    await git(data_dir, 'clone', '--quiet', other, join(data_dir, 'clone'));
    t.notRegex(await pushed, /\nok refs|ok refs\/heads/);
    t.true((await bytes()) < 40 * MB);
    t.true(existsSync(samples));
    t.true((await tryGit(data_dir, 'clone', own.server.url, join(data_dir, 'again'))).ok);
  });

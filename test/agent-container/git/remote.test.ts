import { mkdir } from 'node:fs/promises';
import test from 'ava';
import { AttemptFailure } from '../../../agent-container/base/failure.ts';
import { Disconnected } from '../../../agent-container/git/git-failure.ts';
import { fetchLfs } from '../../../agent-container/git/lfs-objects.ts';
import { fetchCommit, remoteRefs, retryRemote, type Remote } from '../../../agent-container/git/remote.ts';
import { git as plainGit, type GitServer } from '../../support/git-server.ts';
import { setRepositoryScene as scene } from '../../support/repository-scene.ts';

const git = { signal: new AbortController().signal };

test('a coordinator that is away is waited for, however often that takes', async (t) => {
  let calls = 0;
  const operation = async () => {
    if (++calls <= 6) throw new Disconnected('push_failed', 'The push failed');
    return 'pushed';
  };
  t.is(await retryRemote(git, 'push_failed', operation), 'pushed');
});

test('another failure of the remote is no reason to wait', async (t) => {
  const operation = () => Promise.reject(new AttemptFailure('push_rejected', 'No.'));
  await t.throwsAsync(retryRemote(git, 'push_failed', operation), { message: 'No.' });
});

/** The remote through a coordinator that is away at these requests for the list of refs; 1 is the first. */
function awayAt(server: GitServer, url: string, away: number[]): Remote {
  let [listed, is_disconnected] = [0, false];
  server.intercept = (request, response) => {
    if (request.method !== 'GET' || !away.includes(++listed)) return false;
    is_disconnected = true;
    response.writeHead(502).end();
    return true;
  };
  const takeGitFailure = () => {
    const was = is_disconnected;
    is_disconnected = false;
    return was ? { status: 502, code: null, is_disconnected: true } : null;
  };
  return { url, repo_url: url, takeGitFailure };
}

test('a commit is fetched when the coordinator is back', async (t) => {
  const { server, remote, prepare, clone, bare, byAnother } = await scene(t);
  const repos = clone();
  await prepare(repos);
  await byAnother('main', 'new.txt');
  const commit = await plainGit(bare, 'rev-parse', 'main');
  await fetchCommit(repos.own, awayAt(server, remote.url, [1, 2]), commit, 1);
  t.is(await repos.own.commit(commit), commit);
});

test('an empty repository says its format also to a worker that loses the coordinator', async (t) => {
  const { server, clone } = await scene(t);
  await plainGit(server.root, 'init', '-q', '--bare', '--object-format=sha256', 'empty');
  const repos = clone();
  // The first is that of the worker itself, the second that of git for the branches.
  const remote = awayAt(server, `${server.origin}/empty`, [1, 3]);
  await mkdir(repos.own.dir, { recursive: true });
  t.like(await remoteRefs(repos.own, remote), { object_format: 'sha256', branches: new Map() });
});

test('files of Git LFS are asked for again when the coordinator is back', async (t) => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 5\n`;
  const { server, remote, prepare, clone } = await scene(t, {
    '.gitattributes': '*.psd filter=lfs diff=lfs merge=lfs -text\n',
    'a.psd': pointer,
  });
  const { own, agents } = clone();
  await prepare({ own, agents });
  let is_away = true;
  server.intercept = ({ url }, response) => {
    if (!url?.includes('/info/lfs/')) return false;
    response.writeHead(is_away ? 502 : 404).end();
    return true;
  };
  const takeGitFailure = () => {
    const was = is_away && server.requests.some(({ url }) => url.includes('/info/lfs/'));
    if (was) is_away = false;
    return was ? { status: 502, code: null, is_disconnected: true } : null;
  };
  t.regex((await fetchLfs(own, { ...remote, takeGitFailure })) ?? '', /404|not found/i);
});

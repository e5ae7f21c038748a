import { mkdir } from 'node:fs/promises';
import test from 'ava';
import { AttemptFailure } from '../../../agent-container/base/failure.ts';
import { Disconnected } from '../../../agent-container/git/git-failure.ts';
import { fetchLfs, uploadObjects } from '../../../agent-container/git/lfs-objects.ts';
import { fetchCommit, remoteRefs, retryRemote, type Remote } from '../../../agent-container/git/remote.ts';
import type { GitFailure } from '../../../agent-container/proxy/forward-git.ts';
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

/** The coordinator is away. */
const AWAY: GitFailure = { status: 502, code: null, is_disconnected: true };
/** The forge is busy. */
const BUSY: GitFailure = { status: 503, code: null, is_disconnected: false };

/** The remote of which these requests for the list of refs fail; 1 is the first. */
function failingAt(server: GitServer, url: string, numbers: number[], failure: GitFailure): Remote {
  let [listed, has_failed] = [0, false];
  server.intercept = (request, response) => {
    if (request.method !== 'GET' || !numbers.includes(++listed)) return false;
    has_failed = true;
    response.writeHead(failure.status).end();
    return true;
  };
  const takeGitFailure = () => {
    const had_failed = has_failed;
    has_failed = false;
    return had_failed ? failure : null;
  };
  return { url, repo_url: url, origin: url, takeGitFailure };
}

for (const [who, failure] of [
  ['coordinator that is away', AWAY],
  ['forge that is busy', BUSY],
] as const) {
  test(`a ${who} is asked again for a commit`, async (t) => {
    const { server, remote, prepare, clone, bare, byAnother } = await scene(t);
    const repos = clone();
    await prepare(repos);
    await byAnother('main', 'new.txt');
    const commit = await plainGit(bare, 'rev-parse', 'main');
    t.is(await fetchCommit(repos.own, failingAt(server, remote.url, [1, 2], failure), commit, 1), null);
    t.is(await repos.own.commit(commit), commit);
  });

  test(`a ${who} is asked again for the format of an empty repository`, async (t) => {
    const { server, clone } = await scene(t);
    await plainGit(server.root, 'init', '-q', '--bare', '--object-format=sha256', 'empty');
    const repos = clone();
    // The first is that of the worker itself, the second that of git for the branches.
    const remote = failingAt(server, `${server.origin}/empty`, [1, 3], failure);
    await mkdir(repos.own.dir, { recursive: true });
    t.like(await remoteRefs(repos.own, remote), { object_format: 'sha256', branches: new Map() });
  });

  test(`a ${who} is asked again for files of Git LFS`, async (t) => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 5\n`;
    const { server, remote, prepare, clone } = await scene(t, {
      '.gitattributes': '*.psd filter=lfs diff=lfs merge=lfs -text\n',
      'a.psd': pointer,
    });
    const { own, agents } = clone();
    await prepare({ own, agents });
    let is_failing = true;
    server.intercept = ({ url }, response) => {
      if (!url?.includes('/info/lfs/')) return false;
      response.writeHead(is_failing ? failure.status : 404).end();
      return true;
    };
    const takeGitFailure = () => {
      const was = is_failing && server.requests.some(({ url }) => url.includes('/info/lfs/'));
      if (was) is_failing = false;
      return was ? failure : null;
    };
    t.regex((await fetchLfs(own, { ...remote, takeGitFailure })) ?? '', /404|not found/i);
  });
}

test('an upload of files of Git LFS that took too long is not tried again, even if the forge was busy', async (t) => {
  const { remote, prepare, clone, task } = await scene(t);
  const { own, agents } = clone();
  const { commit } = await prepare({ own, agents });
  let uploads = 0;
  own.try = async () => {
    uploads++;
    return { code: null, timed_out: true, stdout: Buffer.alloc(0), stderr: '', truncated: false };
  };
  const busy = { ...remote, takeGitFailure: () => BUSY };
  const upload = uploadObjects(own, busy, { branch: task.branch, commit: commit ?? '', known: null });
  await t.throwsAsync(upload, { instanceOf: AttemptFailure, message: /it took too long/ });
  t.is(uploads, 1);
});

test('a failure to read the format of an empty repository says what the remote answered', async (t) => {
  const { server, clone } = await scene(t);
  await plainGit(server.root, 'init', '-q', '--bare', 'empty');
  const repos = clone();
  await mkdir(repos.own.dir, { recursive: true });
  let [asked, refused] = [0, false];
  server.intercept = (request, response) => {
    // The worker itself does not understand the first answer. The second run of git is refused in its midst.
    if (request.method === 'GET' ? ++asked !== 1 : asked !== 3) return false;
    refused = asked === 3;
    response.writeHead(403).end();
    return true;
  };
  const takeGitFailure = () => (refused ? { status: 403, code: null, is_disconnected: false } : null);
  const url = `${server.origin}/empty`;
  const error = await t.throwsAsync(remoteRefs(repos.own, { url, repo_url: url, origin: url, takeGitFailure }));
  t.regex(error?.message ?? '', /no permission to read it .*403/);
  t.notRegex(error?.message ?? '', /packet/);
});

test('a commit that the remote does not have is told from one that it could not be asked for', async (t) => {
  const { server, remote, prepare, clone } = await scene(t);
  const { own, agents } = clone();
  await prepare({ own, agents });
  const commit = 'a'.repeat(40);
  t.is(await fetchCommit(own, failingAt(server, remote.url, [], BUSY), commit, 1), null);
  const refused: GitFailure = { status: 403, code: null, is_disconnected: false };
  const failure = await fetchCommit(own, failingAt(server, remote.url, [1], refused), commit, 1);
  t.regex(failure?.message ?? '', /no permission to read it .*403/);
});

test('a remote that stays busy is given up, with its last answer', async (t) => {
  const { server, remote, prepare, clone } = await scene(t);
  const { own, agents } = clone();
  await prepare({ own, agents });
  const failure = await fetchCommit(own, failingAt(server, remote.url, [1, 2, 3, 4, 5], BUSY), 'a'.repeat(40), 1);
  t.is(failure?.reason, 'repository_unavailable');
  t.regex(failure?.message ?? '', /503/);
});

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { advertisedRefs } from '../../../agent-container/git/advertised-refs.ts';
import { until } from '../../support/until.ts';
import { git as plainGit } from '../../support/git-server.ts';
import { setRepositoryScene as scene } from '../../support/repository-scene.ts';

const TYPE = 'application/x-git-upload-pack-advertisement';
/** How long an answer may take where it has no end. */
const ANSWER_MS = 100;
const ID = 'a'.repeat(40);
const signal = new AbortController().signal;
const pkt = (text: string) => (text.length + 4).toString(16).padStart(4, '0') + text;
const SERVICE = `${pkt('# service=git-upload-pack\n')}0000`;
const HEAD = pkt(`${ID} HEAD\0multi_ack symref=HEAD:refs/heads/main agent=git/2\n`);
const MAIN = pkt(`${ID} refs/heads/main\n`);

/** Starts a server that answers like this; returns its address. */
async function serve(t: ExecutionContext, answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => answer(response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What is read of a server that gives this answer. */
async function refsOf(t: ExecutionContext, body: string, { status = 200, type = TYPE } = {}) {
  const url = await serve(t, (response) => response.writeHead(status, { 'content-type': type }).end(body));
  return advertisedRefs(url, signal);
}

test('the branches of a repository and its default branch are read in one request, without a run of git', async (t) => {
  const { server, bare, remote, prepare, clone } = await scene(t);
  await plainGit(bare, 'branch', 'release/1.0', 'main');
  await plainGit(bare, 'tag', 'v1', 'main');
  const main = await plainGit(bare, 'rev-parse', 'main');
  t.deepEqual(await advertisedRefs(remote.url, signal), {
    head: 'main',
    branches: new Map([
      ['main', main],
      ['release/1.0', main],
    ]),
    object_format: 'sha1',
  });
  server.requests.length = 0;
  await prepare(clone());
  const asked = server.requests.map(({ method, url, headers }) => [method, url, headers['git-protocol']]);
  t.deepEqual(asked, [
    ['GET', '/repo/info/refs?service=git-upload-pack', undefined],
    ['GET', '/repo/info/refs?service=git-upload-pack', 'version=2'],
    ['POST', '/repo/git-upload-pack', 'version=2'],
  ]);
});

test('an empty repository says its format, if it says anything', async (t) => {
  for (const [object_format, length] of [
    ['sha1', 40],
    ['sha256', 64],
  ] as const) {
    const line = pkt(`${'0'.repeat(length)} capabilities^{}\0agent=git/2 object-format=${object_format}\n`);
    t.deepEqual(await refsOf(t, `${SERVICE}${line}0000`), { head: undefined, branches: new Map(), object_format });
  }
});

test('a shallow repository names commits that are no refs', async (t) => {
  const shallow = pkt(`shallow ${ID}\n`);
  t.is((await refsOf(t, `${SERVICE}${HEAD}${MAIN}${shallow}0000`))?.branches.size, 1);
});

test('a branch that moves or goes between the list and the fetch does not fail the clone', async (t) => {
  const { server, bare, prepare, clone, byAnother } = await scene(t);
  const first = await plainGit(bare, 'rev-parse', 'main');
  server.intercept = async ({ method }) => {
    if (method !== 'POST') return false;
    server.intercept = undefined;
    await byAnother('main', 'new.txt');
    await plainGit(
      bare,
      'update-ref',
      'refs/heads/main',
      await plainGit(bare, 'commit-tree', '-m', 'Other', 'main^{tree}'),
    );
    await plainGit(bare, 'reflog', 'expire', '--expire=all', '--all');
    await plainGit(bare, 'gc', '-q', '--prune=now');
    return false;
  };
  const { commit } = await prepare(clone());
  t.not(commit, first);
  t.is(commit, await plainGit(bare, 'rev-parse', 'main'));
});

const OTHERS: Record<string, [body: string, options?: { status?: number; type?: string }]> = {
  'a refusal': ['', { status: 404 }],
  'a web page': ['<html>', { type: 'text/html' }],
  nothing: [''],
  'no pkt-line': ['x'.repeat(100)],
  'a pkt-line that is cut': [`${SERVICE}00ff`],
  'a repository without refs that says nothing': [`${SERVICE}0000`],
  'an answer that ends too early': [`${SERVICE}${HEAD}${MAIN}`],
  'a HEAD that is no branch': [`${SERVICE}${pkt(`${ID} HEAD\0agent=git/2\n`)}0000`],
  'a line that is no ref': [`${SERVICE}${HEAD}${pkt('hello\n')}0000`],
  'a name with a space': [`${SERVICE}${HEAD}${pkt(`${ID} refs/heads/a b\n`)}0000`],
  'another version of the protocol': [`${SERVICE}${pkt('version 2\n')}${pkt('ls-refs\n')}0000`],
  'a quarter of a megabyte': [`${SERVICE}${HEAD}${MAIN.repeat(5_000)}0000`],
};

for (const [what, [body, options]] of Object.entries(OTHERS))
  test(`${what} is left to git`, async (t) => {
    t.is(await refsOf(t, body, options), null);
  });

/** Answers that have no end. The list is whole but for its last line, or for as many more as there is time for. */
const ENDLESS: Record<string, (response: ServerResponse) => void> = {
  'never answers': () => undefined,
  'stops in the middle': (response) => response.write(`${SERVICE}${HEAD}${MAIN}`),
  'sends slowly': (response) => {
    response.write(`${SERVICE}${HEAD}`);
    const timer = setInterval(() => response.write(MAIN), 5);
    response.once('close', () => clearInterval(timer));
  },
};

for (const [what, body] of Object.entries(ENDLESS))
  test(`a server that ${what} is left to git once the time is up, and by the clone when that is cancelled`, async (t) => {
    const answers: ServerResponse[] = [];
    const url = await serve(t, (response) => {
      answers.push(response);
      response.setHeader('content-type', TYPE);
      body(response);
    });
    t.is(await advertisedRefs(url, signal, ANSWER_MS), null);
    // On a busy machine the time may be up before the server is reached.
    const before = answers.length;
    const cancel = new AbortController();
    const refs = advertisedRefs(url, cancel.signal);
    await until('it is asked', () => answers.length > before);
    cancel.abort(new Error('The attempt is over.'));
    await t.throwsAsync(refs, { message: 'The attempt is over.' });
    await until('the connections are closed', () => answers.every(({ closed }) => closed));
  });

test('a server that never stops sending is left to git at the limit of bytes, and the connection is closed', async (t) => {
  const sent = Readable.from(forever(`${SERVICE}${HEAD}`, MAIN.repeat(100)));
  const url = await serve(t, (response) => {
    response.setHeader('content-type', TYPE);
    sent.pipe(response);
    response.once('close', () => sent.destroy());
  });
  t.is(await advertisedRefs(url, signal, 2 ** 31 - 1), null);
  await until('it has stopped', () => sent.destroyed);
});

function* forever(first: string, next: string): Generator<string> {
  yield first;
  for (;;) yield next;
}

import { deepStrictEqual } from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import test from 'ava';
import type { ForgeEvent } from '../../../coordinator/forge/forge.ts';
import { readEvent } from '../../../coordinator/forge/stored-json.ts';
import type { ForgeKind } from '../../../protocol/forges.ts';
import { forgeScene, type ForgeScene } from '../../support/forge/scene.ts';
import { readDelivery } from '../../support/forge/read-delivery.ts';
import { ErrandError } from '../../../protocol/problem.ts';

const KINDS: ForgeKind[] = ['github', 'gitea'];

/** What the client reads of all webhooks that were sent since. It can be stored: it is read back as it was. */
async function events({ sent, read }: ForgeScene, since = 0): Promise<ForgeEvent[]> {
  const all = await Promise.all(sent().slice(since).map(read));
  const found = all.filter((one) => one !== undefined);
  for (const one of found) deepStrictEqual(readEvent(JSON.stringify(one)), one);
  return found;
}

for (const kind of KINDS) {
  test(`${kind}: reads who said and did what from webhooks`, async (t) => {
    const scene = await forgeScene(t, kind);
    const { forge, ada, bob, demo } = scene;
    const issue = forge.openIssue(demo, bob, { title: 'It fails', body: '@errand look', labels: ['bug'] });
    forge.comment(demo, issue, bob, '@errand fix this\r\nplease\u202E');
    forge.label(demo, issue, ada, 'errand');
    const [opened, ...others] = await events(scene);
    // GitHub tells of the labels that an issue is opened with once more.
    if (kind === 'github') t.like(others.shift(), { type: 'issue', action: 'labeled', labels: ['bug'] });
    const [comment, labeled] = others;
    const repository = { id: String(demo.id), owner: 'ada', name: 'demo', default_branch: 'main' };
    t.like(opened, { type: 'issue', action: 'opened', number: 1, title: 'It fails', body: '@errand look', repository });
    t.like(opened, { labels: ['bug'], is_pull: false, sender: { login: 'bob', id: String(bob.id) } });
    t.is(opened?.repository.clone_url, `${forge.origin}/ada/demo.git`);
    t.like(comment, { type: 'comment', number: 1, is_pull: false, at: issue.comments[0]?.created_at });
    t.like(comment, { comment: { body: '@errand fix this\nplease', review: null, author: { login: 'bob' } } });
    t.like(labeled, { type: 'issue', action: 'labeled', labels: ['errand'], sender: { login: 'ada' } });
    t.is(new Set([opened, comment, labeled].map((one) => one?.delivery_id)).size, 3);
  });

  test(`${kind}: reads what happens to a pull request from webhooks`, async (t) => {
    const scene = await forgeScene(t, kind);
    const { forge, ada, bob, demo } = scene;
    const commit = await forge.push(demo, 'fix', { 'a.txt': 'a\nb\n' });
    const pull = await forge.openPull(demo, ada, { title: 'Fix', body: 'B', head: 'fix', base: 'main', draft: true });
    forge.label(demo, pull, ada, 'errand');
    forge.comment(demo, pull, bob, 'Go on.');
    await forge.editPull(demo, pull, { draft: false });
    const [opened, labeled, comment, ready] = await events(scene);
    t.like(opened, { type: 'pull', action: 'opened', pull: { number: 1, title: 'Fix', draft: true, state: 'open' } });
    t.like(opened, { pull: { head: { branch: 'fix', commit, repository: { owner: 'ada', name: 'demo' } } } });
    t.like(labeled, { type: 'issue', action: 'labeled', is_pull: true, labels: ['errand'], title: 'Fix' });
    t.like(comment, { type: 'comment', is_pull: true, comment: { body: 'Go on.' } });
    t.like(ready, { type: 'pull', action: 'changed', pull: { draft: false } });
    const before = scene.sent().length;
    const comments = [{ path: 'a.txt', line: 2, body: 'Why b?' }];
    await forge.review(demo, pull, bob, { state: 'CHANGES_REQUESTED', body: 'Not yet.', comments });
    const [review, on_line] = await events(scene, before);
    t.like(review, {
      type: 'review',
      number: 1,
      verdict: 'changes_requested',
      body: 'Not yet.',
      sender: { login: 'bob' },
    });
    // Gitea sends a review as a whole.
    if (kind === 'github')
      t.like(on_line, { type: 'comment', comment: { body: 'Why b?', review: { path: 'a.txt', line: 2 } } });
    const last = scene.sent().length;
    await forge.merge(demo, pull, bob);
    t.like((await events(scene, last)).at(-1), { type: 'pull', pull: { state: 'merged' } });
  });

  test(`${kind}: reads checks from webhooks as it reads them from the API`, async (t) => {
    const scene = await forgeScene(t, kind);
    const { forge, client, ada, demo, access } = scene;
    const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
    forge.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'one\nError: two\n' });
    forge.status(demo, commit, { context: 'ci/old', state: 'success' });
    const [failed, passed] = await events(scene);
    t.like(failed, { type: 'check', commit, check: { name: 'test', state: 'failed' } });
    t.like(passed, { type: 'check', commit, check: { name: 'ci/old', state: 'passed', log_id: null } });
    if (failed?.type !== 'check' || passed?.type !== 'check') return t.fail('these are no checks');
    const name = { owner: 'ada', name: 'demo' };
    t.deepEqual((await client.checks(access(ada), name, commit)).items, [failed.check, passed.check]);
    t.is((await client.checkLog(access(ada), name, failed.check, 1_000)).toString(), 'one\nError: two\n');
  });

  test(`${kind}: reads what happens to a repository from webhooks`, async (t) => {
    const scene = await forgeScene(t, kind);
    const { forge, demo } = scene;
    await forge.rename(demo, 'other');
    forge.makePrivate(demo);
    await forge.remove(demo);
    const actions = (await events(scene)).map((one) => (one.type === 'repository' ? one.action : one.type));
    // Gitea tells of nothing else.
    t.deepEqual(actions, kind === 'gitea' ? ['deleted'] : ['renamed', 'privatized', 'deleted']);
  });

  test(`${kind}: refuses a webhook that is not signed with the secret, whatever it is`, async (t) => {
    const { forge, client, ada, demo, sent } = await forgeScene(t, kind);
    forge.openIssue(demo, ada, { title: 'It fails' });
    const [hook] = sent();
    if (hook === undefined) return t.fail('nothing was sent');
    const { headers } = hook;
    const body = Buffer.from(hook.body);
    const signed = (secret: string, bytes: Buffer = body) => {
      const hash = createHmac('sha256', secret).update(bytes).digest('hex');
      return { ...headers, 'x-hub-signature-256': `sha256=${hash}`, 'x-gitea-signature': hash };
    };
    const unsigned = Object.fromEntries(Object.entries(headers).filter(([name]) => !/signature/.test(name)));
    const cases: [string, Record<string, string>, Buffer, string][] = [
      ['another secret', headers, body, 'another'],
      ['no secret', signed(''), body, ''],
      ['no signature', unsigned, body, 's'],
      ['a changed body', signed('s'), Buffer.from(`${hook.body} `), 's'],
      ['a signature that is cut', { ...headers, 'x-hub-signature-256': 'sha256=12' }, body, 's'],
      ['an older hash', { ...unsigned, 'x-hub-signature': `sha1=${'0'.repeat(40)}` }, body, 's'],
      ['no body', signed('s', Buffer.alloc(0)), Buffer.alloc(0), 's'],
      ['bytes that are no text', signed('s', Buffer.from([0xff, 0xfe])), Buffer.from([0xff, 0xfe]), 's'],
    ];
    for (const [what, given, bytes, secret] of cases)
      await t.throwsAsync(
        readDelivery(client, { headers: given, body: bytes }, secret),
        { message: /signature/ },
        what,
      );
    t.like(await readDelivery(client, { headers: signed('s'), body }, 's'), { type: 'issue' });
  });

  test(`${kind}: refuses what is signed and is not as the forge sends it`, async (t) => {
    const { forge, client, ada, demo, sent } = await forgeScene(t, kind);
    forge.openIssue(demo, ada, { title: 'It fails' });
    const headers = sent()[0]?.headers ?? {};
    const bodies = ['null', '[]', '{', '{"action":"opened"}', '"text"', '['.repeat(50_000)];
    bodies.push('{"action":"opened","issue":{"number":"1"},"repository":{},"sender":null}');
    for (const text of bodies) {
      const body = Buffer.from(text);
      const hash = createHmac('sha256', 's').update(body).digest('hex');
      const signed = { ...headers, 'x-hub-signature-256': `sha256=${hash}` };
      const error = await t.throwsAsync(readDelivery(client, { headers: signed, body }, 's'), {
        instanceOf: ErrandError,
      });
      t.true(error?.code === 'invalid' || error?.code === 'too_large', text.slice(0, 40));
      for (const event of ['constructor', '__proto__', 'push', '']) {
        const other = { ...signed, 'x-github-event': event, 'x-gitea-event': event };
        // JSON that is too deep is refused before anybody looks at what it says.
        const read = readDelivery(client, { headers: other, body }, 's');
        const result = await read.catch((error_: unknown) => error_);
        t.true(result === undefined || result instanceof ErrandError);
      }
    }
  });
}

test('a webhook that GitHub sends as a form says which content type it must have', async (t) => {
  const { forge, client, ada, demo, sent } = await forgeScene(t, 'github');
  forge.openIssue(demo, ada, { title: 'It fails' });
  const { headers = {}, body: json = '' } = sent()[0] ?? {};
  const body = Buffer.from(new URLSearchParams({ payload: json }).toString());
  const signature = `sha256=${createHmac('sha256', 's').update(body).digest('hex')}`;
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded', 'x-hub-signature-256': signature };
  await t.throwsAsync(readDelivery(client, { headers: form, body }, 's'), {
    code: 'invalid',
    message: /set its content type to application\/json/,
  });
});

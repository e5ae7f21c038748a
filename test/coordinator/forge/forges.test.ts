import test from 'ava';
import type { ForgeKind } from '../../../protocol/forges.ts';
import { forgeScene } from '../../support/forge/scene.ts';

const KINDS: ForgeKind[] = ['github', 'gitea'];

for (const kind of KINDS) {
  test(`${kind}: says whose token it is, and what they may push to`, async (t) => {
    const { forge, client, ada, bob, demo, access } = await forgeScene(t, kind);
    await forge.world.addRepository({ owner: ada, name: 'private', private: true, permissions: { bob: 'read' } });
    await forge.world.addRepository({ owner: bob, name: 'tools' });
    const own = access(bob);
    const { login, id, bot } = await client.me(own);
    t.deepEqual({ login, id, bot }, { login: 'bob', id: String(bob.id), bot: false });
    const names = async (search: string) => {
      const found = await client.repositories(own, { search, limit: 10 });
      return found.items.map(({ owner, name }) => `${owner}/${name}`).sort();
    };
    t.deepEqual(await names(''), ['ada/demo', 'bob/tools']);
    t.deepEqual(await names('DEM'), ['ada/demo']);
    t.deepEqual(await names('bob/'), ['bob/tools']);
    const name = { owner: 'ada', name: 'demo' };
    const { pushed_at: _pushed_at, ...info } = await client.repository(own, name);
    t.deepEqual(info, {
      ...name,
      id: String(demo.id),
      clone_url: `${forge.origin}/ada/demo.git`,
      default_branch: 'main',
      private: false,
      permission: 'write',
      merge_methods: ['merge', 'squash', 'rebase'],
    });
    t.is(await client.permission(access(ada), name, 'bob'), 'write');
    t.is(await client.permission(access(ada), name, 'ada'), 'admin');
    forge.world.addPerson('stranger');
    const may = await client.permission(access(ada), name, 'stranger');
    t.true(may === 'read' || may === 'none');
    t.is(await client.permission(access(ada), name, 'nobody-at-all'), 'none');
  });

  test(`${kind}: reads branches, protected ones too`, async (t) => {
    const { forge, client, ada, demo, access } = await forgeScene(t, kind);
    const own = access(ada);
    const name = { owner: 'ada', name: 'demo' };
    const commit = await forge.push(demo, 'feature/one', { 'one.txt': 'one' });
    await forge.protect(demo, 'main');
    t.deepEqual(await client.branch(own, name, 'feature/one'), { name: 'feature/one', commit, protected: false });
    t.like(await client.branch(own, name, 'main'), { protected: true });
    t.is(await client.branch(own, name, 'gone'), undefined);
  });

  test(`${kind}: reads a thread with its newest comments, and writes there`, async (t) => {
    const { forge, client, ada, bob, demo, access } = await forgeScene(t, kind);
    const name = { owner: 'ada', name: 'demo' };
    const issue = forge.openIssue(demo, bob, { title: 'It fails', body: 'Look.', labels: ['bug'] });
    for (let n = 1; n <= 120; n++) forge.comment(demo, issue, bob, `Number ${n}`);
    const thread = await client.thread(access(ada), name, issue.number, 5);
    t.like(thread, { title: 'It fails', body: 'Look.', state: 'open', labels: ['bug'], is_pull: false, cut: true });
    t.is(thread.author.login, 'bob');
    t.deepEqual(
      thread.comments.map(({ body }) => body),
      [116, 117, 118, 119, 120].map((n) => `Number ${n}`),
    );
    const written = await client.comment(access(ada), name, issue.number, 'On it.');
    t.is(written.author.login, 'ada');
    await client.editComment(access(ada), name, written.id, 'Done.');
    const after = await client.thread(access(ada), name, issue.number, 200);
    t.is(after.comments.at(-1)?.body, 'Done.');
    t.is(after.comments.at(-1)?.id, written.id);
    t.false(after.cut);
    t.is(after.comments.length, 121);
  });

  test(`${kind}: says who has put a label on an issue last`, async (t) => {
    const { forge, client, ada, bob, demo, access } = await forgeScene(t, kind);
    const name = { owner: 'ada', name: 'demo' };
    const issue = forge.openIssue(demo, bob, { title: 'It fails', labels: ['bug'] });
    const who = (label: string) => client.labeledBy(access(ada), name, issue.number, label, null);
    t.is((await who('bug'))?.person.id, String(bob.id));
    t.is(await who('errand'), undefined);
    forge.label(demo, issue, bob, 'errand');
    const first = await who('Errand');
    t.is(first?.person.id, String(bob.id));
    forge.label(demo, issue, ada, 'errand');
    const second = await who('errand');
    t.is(second?.person.id, String(ada.id));
    t.not(second?.id, first?.id);
  });

  test(`${kind}: opens a draft, finds it by its branch, makes it ready, changes it`, async (t) => {
    const { forge, client, ada, bob, demo, access } = await forgeScene(t, kind);
    const own = access(ada);
    const name = { owner: 'ada', name: 'demo' };
    const commit = await forge.push(demo, 'errand/1-fix', { 'a.txt': 'a' });
    t.is(await client.pullOfBranch(own, name, 'errand/1-fix'), undefined);
    const draft = { title: 'Fix it', body: 'Fixes #1', head: 'errand/1-fix', base: 'main', draft: true };
    const opened = await client.openPull(own, name, draft);
    t.like(opened, { title: 'Fix it', body: 'Fixes #1', state: 'open', draft: true });
    t.like(opened.head, { branch: 'errand/1-fix', commit, repository: name });
    t.is(opened.base.branch, 'main');
    await t.throwsAsync(client.openPull(own, name, draft), { name: 'ForgeApiError', message: /already exists/ });
    t.is((await client.pullOfBranch(own, name, 'errand/1-fix'))?.number, opened.number);
    const ready = await client.editPull(own, name, opened.number, { draft: false, title: 'Fix it well' });
    t.like(ready, { title: 'Fix it well', draft: false });
    t.like(await client.pull(own, name, opened.number), { title: 'Fix it well', draft: false, state: 'open' });
    t.like(await client.editPull(own, name, opened.number, { draft: true }), { title: 'Fix it well', draft: true });
    t.like(await client.editPull(own, name, opened.number, { body: 'More', draft: false }), { body: 'More' });
    t.like(await client.editPull(own, name, opened.number, { state: 'closed' }), { state: 'closed' });
    await client.editPull(own, name, opened.number, { state: 'open' });
    const [pull] = demo.issues.filter((one) => one.pull !== null);
    await forge.merge(demo, pull as never, bob);
    t.like(await client.pull(own, name, opened.number), { state: 'merged' });
    t.is(await client.pullOfBranch(own, name, 'errand/1-fix'), undefined);
  });

  test(`${kind}: reads review comments, answers in their thread and resolves it`, async (t) => {
    const { forge, client, ada, bob, demo, access } = await forgeScene(t, kind);
    const own = access(ada);
    const name = { owner: 'ada', name: 'demo' };
    await forge.push(demo, 'fix', { 'a.txt': 'a\nb\nc\n' });
    const pull = await forge.openPull(demo, ada, { title: 'Fix', body: '', head: 'fix', base: 'main', draft: false });
    forge.comment(demo, pull, bob, 'In general fine.');
    const comments = [
      { path: 'a.txt', line: 2, body: 'Why b?' },
      { path: 'a.txt', line: 3, body: 'Why c?' },
    ];
    await forge.review(demo, pull, bob, { state: 'CHANGES_REQUESTED', body: 'Two things.', comments });
    const thread = await client.thread(own, name, pull.number, 50);
    t.true(thread.is_pull);
    t.deepEqual(thread.comments.map(({ body }) => body).sort(), [
      'In general fine.',
      'Two things.',
      'Why b?',
      'Why c?',
    ]);
    const [why] = thread.comments.filter(({ body }) => body === 'Why b?');
    if (!why?.review) return t.fail('the comment is not there');
    t.like(why.review, { path: 'a.txt', line: 2 });
    const reply = await client.reply(own, name, pull.number, why, 'Because.');
    t.is(reply.review?.thread_id, why.review.thread_id);
    const after = await client.thread(own, name, pull.number, 50);
    const answers = after.comments.filter(({ review }) => review?.thread_id === why.review?.thread_id);
    t.deepEqual(
      answers.map(({ body, author }) => [author.login, body]),
      [
        ['bob', 'Why b?'],
        ['ada', 'Because.'],
      ],
    );
    await client.editComment(own, name, reply.id, 'Because of that.');
    await client.resolve(own, name, pull.number, why.review.thread_id);
    await client.resolve(own, name, pull.number, why.review.thread_id);
    t.deepEqual(
      pull.pull.comments.map(({ body, resolved }) => [body, resolved]),
      [
        ['Why b?', true],
        ['Why c?', false],
        ['Because of that.', false],
      ],
    );
  });

  test(`${kind}: reads checks and statuses, and the end of a failed job's log`, async (t) => {
    const { forge, client, ada, demo, access } = await forgeScene(t, kind);
    const own = access(ada);
    const name = { owner: 'ada', name: 'demo' };
    const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
    t.deepEqual((await client.checks(own, name, commit)).items, []);
    const log = `${'line of output\n'.repeat(5_000)}\u001B[31mError: ünïcode\u001B[0m\n`;
    forge.check(demo, commit, { name: 'test', conclusion: 'failure', log });
    forge.check(demo, commit, { name: 'lint', conclusion: 'success', log: 'fine\n' });
    forge.check(demo, commit, { name: 'slow', status: 'in_progress' });
    forge.status(demo, commit, { context: 'ci/old', state: 'pending' });
    forge.status(demo, commit, { context: 'ci/old', state: 'error' });
    const { items: checks } = await client.checks(own, name, commit);
    const states = checks
      .map(({ name, state }) => [name, state])
      .sort(([one = ''], [other = '']) => one.localeCompare(other));
    t.deepEqual(states, [
      ['ci/old', 'failed'],
      ['lint', 'passed'],
      ['slow', 'running'],
      ['test', 'failed'],
    ]);
    const [failed] = checks.filter((one) => one.name === 'test');
    if (failed === undefined) return t.fail('the check is not there');
    const end = (await client.checkLog(own, name, failed, 1_000)).toString();
    t.true(end.endsWith('line of output\n\u001B[31mError: ünïcode\u001B[0m\n'), end.slice(-100));
    t.true(Buffer.byteLength(end) <= 1_000);
    t.true(end.startsWith('line of output\n'));
    const [status] = checks.filter((one) => one.name === 'ci/old');
    for (const gone of [
      { ...failed, ...status, log_id: null },
      { ...failed, log_id: '999999' },
    ])
      t.is((await client.checkLog(own, name, gone, 1_000)).length, 0);
  });

  test(`${kind}: of many comments on lines the newest are read`, async (t) => {
    const { forge, client, ada, bob, demo, access } = await forgeScene(t, kind);
    await forge.push(demo, 'fix', { 'a.txt': 'a\n' });
    const pull = await forge.openPull(demo, ada, { title: 'Fix', body: '', head: 'fix', base: 'main', draft: false });
    let now_ms = Date.now();
    forge.world.now = () => (now_ms += 1_000);
    const lines = Array.from({ length: 130 }, (_, n) => ({ path: 'a.txt', line: n + 1, body: `Line ${n + 1}` }));
    await forge.review(demo, pull, bob, { state: 'COMMENTED', comments: lines });
    const name = { owner: 'ada', name: 'demo' };
    const few = await client.thread(access(ada), name, pull.number, 3);
    t.deepEqual(
      few.comments.map(({ body }) => body),
      ['Line 128', 'Line 129', 'Line 130'],
    );
    t.true(few.cut);
    const all = await client.thread(access(ada), name, pull.number, 500);
    t.is(all.comments.length, 130);
    t.false(all.cut);
  });

  test(`${kind}: what a review says is read though many reviews before it say something of lines alone`, async (t) => {
    const { forge, client, ada, bob, demo, access } = await forgeScene(t, kind);
    await forge.push(demo, 'fix', { 'a.txt': 'a\n' });
    const pull = await forge.openPull(demo, ada, { title: 'Fix', body: '', head: 'fix', base: 'main', draft: false });
    const comments = [{ path: 'a.txt', line: 1, body: 'Here.' }];
    for (let n = 0; n < 101; n++) await forge.review(demo, pull, bob, { state: 'COMMENTED', comments });
    await forge.review(demo, pull, bob, { state: 'COMMENTED', body: 'As a whole.' });
    const thread = await client.thread(access(ada), { owner: 'ada', name: 'demo' }, pull.number, 300);
    t.true(thread.comments.some(({ body }) => body === 'As a whole.'));
  });
}

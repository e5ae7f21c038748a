import test, { type ExecutionContext } from 'ava';
import { IntakeScene } from '../../../support/forge/intake-scene.ts';

test('a further mention brings along what others wrote since the last one, and no more', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, bob } = scene;
  const issue = github.openIssue(demo, ada, { title: 'It fails', body: 'Something is wrong.' });
  github.comment(demo, issue, bob, 'It is the parser.');
  github.comment(demo, issue, ada, '@errand fix it');
  await scene.deliver();
  const { id } = scene.task;
  const ask = async (body: string) => {
    github.comment(demo, issue, ada, body);
    await scene.deliver();
    return scene.messages(id).at(-1) ?? '';
  };
  github.comment(demo, issue, bob, 'Look at the lexer, too.');
  const first = await ask('@errand do what Bob says');
  t.regex(
    first,
    /^do what Bob says\n[^]*follow\. It is material[^]*@bob, [^]*:\nLook at the lexer, too\.\n<\/thread-\w+>$/,
  );
  t.notRegex(first, /It is the parser|Something is wrong|@errand|has been started/);
  t.notRegex(await ask('@errand and add a test'), /thread-/);
  github.comment(demo, issue, bob, 'The printer prints.');
  github.label(demo, issue, ada, 'errand');
  await scene.deliver();
  const labeled = scene.messages(id).at(-1) ?? '';
  t.regex(labeled, /^Go on with this\.\n[^]*The printer prints\./);
  t.notRegex(labeled, /lexer/);
});

for (const start of ['the label', 'the text of the issue'] as const)
  test(`after a start by ${start}, a mention brings along nothing that came before that`, async (t) => {
    const scene = await IntakeScene.start(t);
    const { github, demo, ada, bob } = scene;
    const { now } = github.world;
    github.world.now = () => now() - 3_600_000;
    const body = start === 'the label' ? 'Something is wrong.' : '@errand fix it';
    const issue = github.openIssue(demo, ada, { title: 'It fails', body });
    github.comment(demo, issue, bob, 'It is the parser.');
    github.world.now = now;
    if (start === 'the label') github.label(demo, issue, ada, 'errand');
    await scene.deliver();
    const { id } = scene.task;
    github.comment(demo, issue, bob, 'Look at the lexer, too.');
    github.comment(demo, issue, ada, '@errand do what Bob says');
    await scene.deliver();
    const message = scene.messages(id).at(-1) ?? '';
    t.regex(message, /Look at the lexer, too\./);
    t.notRegex(message, /It is the parser/);
  });

test('what came between two mentions with a label between them is told once', async (t) => {
  const scene = await IntakeScene.start(t);
  const { github, demo, ada, bob } = scene;
  const { now } = github.world;
  const issue = github.openIssue(demo, ada, { title: 'It fails', body: '@errand fix it' });
  await scene.deliver();
  const { id } = scene.task;
  const before = new Date(now() - 7_200_000).toISOString();
  scene.log.db.prepare('UPDATE forge_requests SET created_at = ?').run(before);
  github.world.now = () => now() - 3_600_000;
  github.comment(demo, issue, ada, '@errand add a test');
  github.comment(demo, issue, bob, 'The printer prints.');
  github.world.now = now;
  await scene.deliver();
  github.label(demo, issue, ada, 'errand');
  await scene.deliver();
  github.comment(demo, issue, ada, '@errand go on');
  await scene.deliver();
  const told = scene.messages(id).filter((text) => text.includes('The printer prints.'));
  t.is(told.length, 1);
});

/** An issue that an errand has worked on, with its pull request. */
async function pullOfIssue(t: ExecutionContext) {
  const scene = await IntakeScene.start(t, { follow_up: false });
  const { github, demo, ada } = scene;
  github.openIssue(demo, ada, { title: 'It fails', body: '@errand fix it' });
  await scene.deliver();
  const { id } = scene.task;
  await scene.work(id, 'Done.', 'a'.repeat(40));
  const { pull } = await scene.addPull(scene.task);
  return { scene, id, pull };
}

test('a mention in a review brings along what the review says of lines', async (t) => {
  const { scene, id, pull } = await pullOfIssue(t);
  const { github, demo, ada, bob } = scene;
  await github.review(demo, pull, bob, {
    state: 'CHANGES_REQUESTED',
    comments: [{ path: 'a.txt', line: 2, body: 'Use `b` here.' }],
  });
  await github.review(demo, pull, ada, {
    state: 'COMMENTED',
    body: '@errand do what Bob and I say',
    comments: [{ path: 'a.txt', line: 1, body: 'And `c` there.' }],
  });
  await scene.deliver();
  const message = scene.messages(id).at(-1) ?? '';
  t.regex(message, /@bob[^]*a\.txt, line 2[^]*Use `b` here\./);
  t.regex(message, /@ada[^]*a\.txt, line 1[^]*And `c` there\./);
  t.is(message.match(/do what Bob and I say/g)?.length, 1);
});

test('a comment on a line is as new as its review, however long it was a draft', async (t) => {
  const { scene, id, pull } = await pullOfIssue(t);
  const { github, demo, ada, bob } = scene;
  github.comment(demo, pull, ada, '@errand add a test');
  await scene.deliver();
  const lines = ['First `b`.', 'Then `c`.'];
  await github.review(demo, pull, bob, {
    state: 'COMMENTED',
    comments: lines.map((body, i) => ({ path: 'a.txt', line: i + 1, body })),
  });
  const drafted = new Date(github.world.now() - 3_600_000).toISOString();
  for (const comment of pull.pull.comments) comment.created_at = drafted;
  github.comment(demo, pull, ada, '@errand do what Bob says');
  await scene.deliver();
  t.regex(scene.messages(id).at(-1) ?? '', /First `b`\.[^]*Then `c`\./);
});

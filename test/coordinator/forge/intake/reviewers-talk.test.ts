import test from 'ava';
import { findFollowUp } from '../../../../coordinator/sqlite/follow-ups.ts';

import { COMMIT, pullScene } from '../../../support/forge/errand-pull.ts';

test('what reviewers say to each other costs no round; what they answer to the errand or to a program does', async (t) => {
  const { scene, github, demo, ada, bob, pull, id, messages } = await pullScene(t);
  const rounds = () => findFollowUp(scene.log.db, id).rounds;
  const asks = { state: 'COMMENTED', comments: [{ path: 'a.txt', line: 1, body: 'Why two?' }] } as const;
  const { comments } = await github.review(demo, pull, bob, { ...asks, comments: [...asks.comments] });
  const [root] = comments;
  if (!root) return t.fail();
  const says = async (author: typeof bob, body: string, to = root) => {
    await github.reply(demo, pull, to, author, body);
    await scene.deliver();
  };
  await scene.deliver();
  t.is(rounds(), 1);
  await says(ada, 'Two are right.');
  await says(bob, 'I see.');
  t.deepEqual([messages().length, rounds()], [1, 1]);
  await scene.work(id, '[1] not changed: two are needed', COMMIT);
  await says(bob, 'Then say so in the code.');
  t.regex(messages().join(), /Then say so in the code\./);
  await says(ada, 'Thanks.');
  t.deepEqual([messages().length, rounds()], [1, 2]);
  await says(ada, '@errand in German, please');
  t.regex(messages().at(-1) ?? '', /in German, please/);
  await scene.work(id, 'Done.', COMMIT);

  const robot = github.world.addPerson('robot', { type: 'Bot' });
  demo.permissions.set(robot, 'write');
  const found = await github.review(demo, pull, robot, { state: 'COMMENTED', comments: [...asks.comments] });
  await says(bob, 'The program is right.', found.comments[0]);
  t.regex(messages().join(), /The program is right\./);
});

test('what an approval says asks for nothing, and calls the errand where it names it', async (t) => {
  const { scene, github, demo, ada, pull, id, messages } = await pullScene(t);
  const line = (body: string) => [{ path: 'a.txt', line: 1, body }];
  await github.review(demo, pull, ada, { state: 'APPROVED', body: 'Good.', comments: line('A nit.') });
  await scene.deliver();
  t.deepEqual([messages(), findFollowUp(scene.log.db, id).rounds], [[], 0]);
  await github.review(demo, pull, ada, { state: 'APPROVED', body: 'Good.', comments: line('@errand mend this nit') });
  await scene.deliver();
  t.is(messages().length, 1);
  t.regex(messages().join(), /mend this nit/);
  await github.review(demo, pull, ada, { state: 'APPROVED', body: '@errand and add a test' });
  await scene.deliver();
  t.is(messages().length, 2);
  t.regex(messages().join(), /and add a test/);
});

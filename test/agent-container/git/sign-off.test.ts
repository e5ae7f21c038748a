import test from 'ava';
import { signedOff } from '../../../agent-container/git/sign-off.ts';
import { wipMessage } from '../../../agent-container/git/wip-commit.ts';
import { setRepositoryScene } from '../../support/repository-scene.ts';

const MESSAGE = 'Count from zero\n\nIt began at one.\n';
const SIGN_OFF = 'Signed-off-by: Errand <errand@localhost>';

test('finished work is signed off where most of the newest commits of the base are', async (t) => {
  const { clone, prepare } = await setRepositoryScene(t);
  const { own } = clone();
  const { base_commit } = await prepare(clone());
  t.is(await signedOff(own, base_commit, MESSAGE), MESSAGE);
  t.is(await signedOff(own, null, MESSAGE), MESSAGE);
  let tip = base_commit ?? '';
  const add = async (...message: string[]) => {
    const words = message.flatMap((part) => ['-m', part]);
    tip = await own.run(['commit-tree', `${tip}^{tree}`, '-p', tip, ...words]);
  };
  await add('Second', 'Signed-off-by: A <a@example.org>');
  t.is(await signedOff(own, tip, MESSAGE), MESSAGE, 'one of two');
  await add('Third', 'Signed-off-by: A <a@example.org>\nSigned-off-by: B <b@example.org>');
  t.is(await signedOff(own, tip, MESSAGE), `${MESSAGE}\n${SIGN_OFF}\n`);
  t.is(await signedOff(own, tip, 'Count from zero\n'), `Count from zero\n\n${SIGN_OFF}\n`);
  t.is(await signedOff(own, tip, `${MESSAGE}\n${SIGN_OFF}\n`), `${MESSAGE}\n${SIGN_OFF}\n`, 'once');
  for (const end of ['---\n\nMore of it', '# How it was checked', '## Rest\n# of it'])
    t.is(await signedOff(own, tip, `${MESSAGE}\n${end}\n`), `${MESSAGE}\n${end}\n\n${SIGN_OFF}\n`, 'at the end');
  t.is(
    await signedOff(own, tip, `${MESSAGE}\n\u0001 of \0 it\n`),
    `${MESSAGE}\n of  it\n\n${SIGN_OFF}\n`,
    'at the end',
  );
  t.is(await signedOff(own, tip, wipMessage('It')), wipMessage('It'));
  for (let n = 0; n < 20; n++) await add('Later');
  t.is(await signedOff(own, tip, MESSAGE), MESSAGE, 'the newest count');
});

import { open } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { loggedIn } from '../../support/logged-in.ts';
import { StagedErrand } from '../../support/staged-errand.ts';

async function stage(t: ExecutionContext) {
  const { server, api, cli } = await loggedIn(t);
  const { id } = await api.call('createTask', { body: { prompt: 'Mend the bill', repo_url: 'errand://sample' } });
  return { api, cli, id, errand: new StagedErrand(server.log, id) };
}

/** A device on which nothing has room. */
async function fullDevice(t: ExecutionContext): Promise<number> {
  const file = await open('/dev/full', 'w');
  t.teardown(() => file.close());
  return file.fd;
}

test('watch whose reader goes away tells of no success, and gets the exit code of a closed pipe', async (t) => {
  const { cli, id, errand } = await stage(t);
  errand.begin();
  const watching = cli.start(['watch', id]);
  await watching.shows('running');
  watching.child.stdout?.destroy();
  errand.end('failed', 'verify_failed');
  t.is((await watching.ended).code, 141);
});

test('a command whose output cannot be written is trouble, and says why', async (t) => {
  const { cli, id, errand } = await stage(t);
  errand.begin();
  errand.end('failed', 'verify_failed');
  const stdout = await fullDevice(t);
  for (const argv of [['tasks', '--json'], ['watch', id], ['token', 'add', 'lost'], ['--help']]) {
    const { code, stderr } = await cli.run(argv, { stdout });
    t.is(code, 2, argv.join(' '));
    t.true(stderr.includes('The output cannot be written: no space left on device.\n'), stderr);
  }
});

test('the exit code stays that of the command where stderr cannot be written', async (t) => {
  const { cli } = await stage(t);
  t.is((await cli.run(['watch', 'nosuch'], { stderr: await fullDevice(t) })).code, 2);
});

import test, { type ExecutionContext } from 'ava';
import type { Ended } from '../../support/command-line.ts';
import { loggedIn } from '../../support/logged-in.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

async function stage(t: ExecutionContext) {
  const { server, api, cli } = await loggedIn(t);
  const task = await api.call('createTask', { body: { prompt: 'Mend the bill', repo_url: 'errand://sample' } });
  const errand = new LivelyErrand(server, task);
  errand.begin();
  return { api, cli, errand };
}

const jsonOf = ({ stdout }: Ended) =>
  stdout
    .trim()
    .split('\n')
    .map((line): { type: string } => JSON.parse(line));

test('watch --until-asked ends with exit code 4 once the errand waits for its person, and has shown what it asks', async (t) => {
  const { cli, errand } = await stage(t);
  const watching = cli.start(['watch', errand.id, '--until-asked']);
  await watching.shows('running');
  errand.ask('Which database?', ['SQLite', 'PostgreSQL']);
  const { code, stdout } = await watching.ended;
  t.is(code, 4, stdout);
  t.regex(stdout, /Which database\?[^]*2 PostgreSQL[^]*answer it with: npx errand answer/);
});

test('watch --until-asked ends at once where the errand waits already, and passes over a wait that is over', async (t) => {
  const { cli, errand } = await stage(t);
  errand.ask('Which database?', ['SQLite', 'PostgreSQL']);
  const asked = await cli.run(['watch', errand.id, '--until-asked', '--json']);
  t.is(asked.code, 4, asked.stderr);
  t.true(jsonOf(asked).some(({ type }) => type === 'need.asked'));

  errand.fail('verify_failed');
  t.is((await cli.run(['retry', errand.id])).code, 0);
  errand.begin();
  const watching = cli.start(['watch', errand.id, '--until-asked']);
  await watching.shows('Which database?');
  errand.askToPush('a'.repeat(40));
  t.is((await watching.ended).code, 4);
});

test('show says how an errand stands and what it asks, and --json prints it as the API has it', async (t) => {
  const { api, cli, errand } = await stage(t);
  errand.ask('Which database?', ['SQLite', 'PostgreSQL']);
  const { code, stdout } = await cli.run(['show', errand.id.slice(-8)]);
  t.is(code, 0);
  t.regex(
    stdout,
    /^Mend the bill\n[^]*● waiting\n\? Which database\?\n {2}1 SQLite\n {2}2 PostgreSQL\nanswer it with: /,
  );
  const [shown] = jsonOf(await cli.run(['show', errand.id, '--json']));
  t.deepEqual(shown, JSON.parse(JSON.stringify(await api.call('getTask', { params: { id: errand.id } }))));

  errand.fail('verify_failed');
  t.regex((await cli.run(['show', errand.id])).stdout, /● failed — /);
});

import test from 'ava';
import { loggedIn } from '../../support/logged-in.ts';

const ADD = ['schedule', 'add', 'Nightly', 'Update the dependencies', '--repo', 'errand://sample'];
const WHEN = ['--cron', '0 3 * * 1-5', '--zone', 'Europe/Berlin'];

test('schedule adds, lists, changes, pauses, resumes, runs and removes', async (t) => {
  const { cli, api } = await loggedIn(t);
  const added = await cli.run([...ADD, ...WHEN]);
  t.is(added.code, 0, added.stderr);
  t.regex(added.stdout, /^The schedule Nightly is due first at \d{4}-\d\d-\d\d \d\d:\d\d\.\n$/);
  const listed = (await cli.run(['schedule', 'list'])).stdout;
  t.regex(listed, /^\w{6} {2}Nightly\n {2}0 3 \* \* 1-5 {2}Europe\/Berlin\n {2}next \d{4}-\d\d-\d\d \d\d:\d\d\n$/);

  t.is((await cli.run(['schedule', 'pause', 'Nightly'])).stdout, 'It is paused.\n');
  t.regex((await cli.run(['schedule', 'list'])).stdout, /^ {2}paused$/m);
  t.regex((await cli.run(['schedule', 'resume', 'Nightly'])).stdout, /^It is due next at /);
  const set = await cli.run(['schedule', 'set', 'Nightly', '--cron', '30 4 * * *', '--name', 'Early', '--budget', '3']);
  t.is(set.code, 0, set.stderr);
  t.like((await api.call('listSchedules', {})).items[0], { name: 'Early', cron: '30 4 * * *', budget_usd: 3 });

  const run = await cli.run(['schedule', 'run', 'Early']);
  t.is(run.code, 0, run.stderr);
  const [task] = (await api.call('listTasks', {})).items;
  t.is(run.stdout, `The errand is ${task?.id}\n`);
  t.regex((await cli.run(['schedule', 'runs', 'Early'])).stdout, new RegExp(`at work {2}by hand {2}${task?.id}\\n$`));
  t.regex((await cli.run(['schedule', 'run', 'Early'])).stderr, /^The errand before has not ended/);
  t.is((await cli.run(['schedule', 'remove', 'Early', '--yes'])).stdout, 'The schedule Early is removed.\n');
  t.regex((await cli.run(['schedule', 'list'])).stdout, /^No schedules\./);
  t.regex((await cli.run(['schedule', 'run', 'Early'])).stderr, /There is no schedule 'Early'[^]*errand schedule list/);
});

test('a schedule takes further repositories, and an empty one takes them away', async (t) => {
  const { cli, api } = await loggedIn(t);
  const also = ['--also', 'https://github.com/ada/shop#next:topic', '--also', 'https://github.com/ada/docs'];
  const added = await cli.run([...ADD.slice(0, -1), 'https://github.com/ada/api', ...WHEN, ...also]);
  t.is(added.code, 0, added.stderr);
  const seen = async () => (await api.call('listSchedules', {})).items[0]?.repositories;
  const shop = { repo_url: 'https://github.com/ada/shop', base_branch: 'next', work_branch: 'topic' };
  t.deepEqual(await seen(), [shop, { repo_url: 'https://github.com/ada/docs' }]);
  const twice = await cli.run(['schedule', 'set', 'Nightly', '--also', 'https://github.com/ada/api']);
  t.regex(twice.stderr, /^--also is https:\/\/github\.com\/ada\/api, which the errand has already/);
  await cli.run(['schedule', 'set', 'Nightly', '--also', '']);
  t.deepEqual(await seen(), []);
});

test('schedule lists fit into 60 columns', async (t) => {
  const { cli } = await loggedIn(t);
  await cli.run([
    'schedule',
    'add',
    'A name that is as long as a name can be, which is far too long for a line of a phone',
    ...ADD.slice(3),
    ...WHEN,
  ]);
  await cli.run([
    'schedule',
    'run',
    'A name that is as long as a name can be, which is far too long for a line of a phone',
  ]);
  const { stdout } = await cli.run(['schedule', 'list']);
  for (const line of stdout.split('\n')) t.true(line.length <= 60, line);
});

test('schedule names the option that is wrong', async (t) => {
  const { cli } = await loggedIn(t);
  const failure = async (...options: string[]) => (await cli.run([...ADD, ...options])).stderr;
  t.regex(await failure(), /^--cron is missing/);
  t.regex(await failure('--cron', '* * * * *'), /^--cron runs more often than every 5 minutes/);
  t.regex(await failure('--cron', '0 3 * *'), /^--cron does not have five fields/);
  t.regex(await failure('--cron', '0 3 * * *', '--zone', '+02:00'), /^--zone is not the name of a time zone/);
  t.regex(await failure('--cron', '0 3 * * *', '--project', 'x'), /^Give either --repo URL or --project NAME/);
});

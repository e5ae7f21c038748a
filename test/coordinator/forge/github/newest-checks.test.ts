import test from 'ava';
import { newestOf, type SourcedCheck } from '../../../../coordinator/forge/github/newest-checks.ts';
import { readChecks } from '../../../../coordinator/forge/read-checks.ts';
import { forgeScene } from '../../../support/forge/scene.ts';
import type { CheckRun } from '../../../support/forge/world.ts';

const NAME = { owner: 'ada', name: 'demo' };
const [EARLIER, LATER] = ['2026-01-01T00:00:00Z', '2026-01-01T00:05:00Z'];
const JOB = { log: 'the log' };

type Run = Pick<CheckRun, 'name'> & Partial<CheckRun>;
const CASES: { title: string; runs: Run[]; expected: string[]; only_check_runs?: true }[] = [
  {
    title: 'a later run of the same workflow by the same event takes the place of the one before',
    runs: [
      { ...JOB, name: 'title', conclusion: 'failure', at: EARLIER },
      { ...JOB, name: 'title', conclusion: 'success', at: LATER },
    ],
    expected: ['title passed'],
  },
  {
    title: 'one that runs anew is not failed, in whichever order they are listed',
    runs: [
      { ...JOB, name: 'title', status: 'in_progress', at: LATER },
      { ...JOB, name: 'title', conclusion: 'failure', at: EARLIER },
    ],
    expected: ['title running'],
  },
  {
    title: 'of two that began in the same second the one with the higher id counts',
    runs: [
      { ...JOB, name: 'title', conclusion: 'success', at: EARLIER },
      { ...JOB, name: 'title', conclusion: 'failure', at: EARLIER },
    ],
    expected: ['title failed'],
  },
  {
    title: 'jobs of the same name in two workflows both count',
    runs: [
      { ...JOB, name: 'test', conclusion: 'failure', at: EARLIER },
      { ...JOB, name: 'test', conclusion: 'success', at: LATER, job_of: { workflow: 2, event: 'pull_request' } },
    ],
    expected: ['test failed', 'test passed'],
  },
  {
    title: 'a workflow that runs for a push and for the pull request counts for both',
    runs: [
      { ...JOB, name: 'test', conclusion: 'failure', at: EARLIER, job_of: { workflow: 1, event: 'push' } },
      { ...JOB, name: 'test', conclusion: 'success', at: LATER },
    ],
    expected: ['test failed', 'test passed'],
  },
  {
    title: 'of another program the newest of each name counts, and a job of that name too',
    runs: [
      { name: 'lint', conclusion: 'failure', at: EARLIER },
      { name: 'lint', conclusion: 'success', at: LATER },
      { ...JOB, name: 'lint', conclusion: 'failure', at: EARLIER },
    ],
    expected: ['lint failed', 'lint passed'],
    only_check_runs: true,
  },
];

for (const { title, runs, expected, only_check_runs } of CASES)
  test(title, async (t) => {
    const { forge, client, ada, demo, access } = await forgeScene(t, 'github');
    forge.makePrivate(demo);
    const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
    for (const run of runs) forge.check(demo, commit, run);
    const tokens = [access(ada), { token: forge.apps.fineGrainedToken(ada, ['actions', 'statuses']).value }];
    for (const token of only_check_runs ? tokens.slice(0, 1) : tokens) {
      const { items, missing } = await readChecks(client, token, NAME, commit);
      t.deepEqual(items.map(({ name, state }) => `${name} ${state}`).toSorted(), expected);
      t.deepEqual(missing, []);
    }
  });

test('where the workflows may not be read, no job takes the place of another', async (t) => {
  const { forge, client, ada, demo, access } = await forgeScene(t, 'github');
  const commit = await forge.push(demo, 'fix', { 'a.txt': 'a' });
  forge.check(demo, commit, { ...JOB, name: 'test', conclusion: 'failure', at: EARLIER });
  forge.check(demo, commit, { ...JOB, name: 'test', conclusion: 'success', at: LATER });
  forge.intercept = ({ url = '' }, response) => {
    if (!url.includes('/actions/runs')) return false;
    response.writeHead(403).end('{"message": "Resource not accessible by integration"}');
    return true;
  };
  const { items } = await client.checks(access(ada), NAME, commit);
  t.deepEqual(items.map(({ state }) => state).toSorted(), ['failed', 'passed']);
});

type Of = Partial<SourcedCheck> & { id: string; state: SourcedCheck['check']['state'] };
const sourced = ({ id, state, ...rest }: Of): SourcedCheck => {
  const check = { id, name: 'test', state, url: null, log_id: null };
  return { source: 'ci', run: id, started_at: EARLIER, check, ...rest };
};
const idsOf = (...checks: Of[]) => newestOf(checks.map(sourced)).map(({ id }) => id);

test('jobs of the same name in one run all count, and none of the run before', (t) => {
  const [old, one, two] = [
    { id: '1', state: 'failed', run: 'a' },
    { id: '2', state: 'failed', run: 'b', started_at: LATER },
    { id: '3', state: 'passed', run: 'b', started_at: LATER },
  ] as const;
  t.deepEqual(idsOf(old, one, two), ['2', '3']);
  t.deepEqual(idsOf(two, old, one), ['3', '2']);
});

test('one without a start is the newest while it runs, and after that by its id', (t) => {
  const [ended, newer] = [
    { id: '1', state: 'failed', started_at: null } as const,
    { id: '2', state: 'passed' } as const,
  ];
  t.deepEqual(idsOf(ended, newer), ['2']);
  t.deepEqual(idsOf(newer, ended), ['2']);
  t.deepEqual(idsOf({ ...ended, id: '3' }, newer), ['3']);
  t.deepEqual(idsOf({ ...ended, state: 'running' }, newer), ['1']);
});

test('the order of the list says nothing, also where one of several has no start', (t) => {
  const [one, two, three] = [
    { id: '2', state: 'failed', started_at: null },
    { id: '1', state: 'passed', started_at: LATER },
    { id: '3', state: 'passed' },
  ] as const;
  for (const list of [
    [one, two, three],
    [two, three, one],
    [three, one, two],
  ])
    t.deepEqual(idsOf(...list), ['3']);
});

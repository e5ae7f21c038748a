import { ended } from '../../support/errand.ts';
import { eventsOf } from '../../support/events-of.ts';
import { testEachForge } from '../../support/forge/each-forge.ts';
import { ErrandAtForge } from '../../support/forge/errand-at-forge.ts';
import { isPull } from '../../support/forge/world.ts';
import { until } from '../../support/until.ts';
import { BROKEN, textOf, turnOf } from '../scenario.ts';

testEachForge('an errand whose sentence names an issue knows what it says, and closes it', async (t, kind) => {
  t.timeout(90_000);
  const first: string[] = [];
  const at = await ErrandAtForge.start(t, kind, {
    handler: (request) => {
      if (turnOf(request) > 0) return { text: 'Add what is to be added' };
      first.push(textOf(request));
      return { tools: [{ name: 'run_command', input: { command: "sed -i 's/a - b/a + b/' add.js" } }] };
    },
  });
  const ann = at.forge.world.addPerson('ann');
  const { api } = await at.signIn(ann);
  const repository = await at.addRepository(ann, 'adder', BROKEN);
  const issue = at.forge.openIssue(repository, ann, { title: 'The sum is wrong', body: 'It subtracts.' });
  const repo_url = `${at.forge.origin}/ann/adder`;
  const project = { name: 'adder', repo_url, pull_requests: 'ready' as const, egress: 'none' as const };
  const { id: project_id } = await api.call('createProject', { body: project });
  const { id } = await api.call('createTask', { body: { prompt: `Fix #${issue.number}`, project_id } });
  const task = await ended({ api }, id, 60_000);
  t.is(task.status, 'succeeded', task.detail ?? '');
  t.regex(first[0] ?? '', /# The task\\n\\nFix #1\\n\\n.*The sum is wrong.*It subtracts\./);
  const events = await eventsOf(api, id);
  const read = events.find(({ type }) => type === 'thread.read');
  t.like(read?.body, { number: issue.number, title: 'The sum is wrong', problem: null });
  const pull = await until('the pull request is open', () => repository.issues.find(isPull));
  t.true(pull.body.includes(`Fixes #${issue.number}`));
});

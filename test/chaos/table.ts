import { FAULTS } from './faults/all.ts';
import type { Outcome } from './run.ts';

/** What came of each fault, as a page of the documentation. `first`: the first seed. */
export function table(outcomes: Outcome[], first: number): string {
  const rows = FAULTS.map(({ name, outcome }) => {
    const met = outcomes.filter(({ faults }) => faults.includes(name));
    const held = met.filter(({ wrong }) => wrong.length === 0).length;
    return `| ${name} | ${outcome} | ${met.length} | ${held} |`;
  });
  const held = outcomes.filter(({ wrong }) => wrong.length === 0).length;
  return `# What was survived

Made by \`npm run chaos -- --write\`: errands on real containers, a real git server and a stand-in for the Claude API, while faults happen at
moments that a seed decides. ${outcomes.length} runs, seeds ${first} to ${first + outcomes.length - 1}: in ${held} of them everything held.

After each run: the log of every errand is exactly the events that its workers wrote to their own disks, in order, once; every errand ended
as it should, by one attempt at a time; no turn was asked of the model again once its answer was stored; each command left its trace at most
once; clients that followed throughout hold the same log; no container, process, folder or socket was left; the database is whole and no
secret is in it.

| fault | what comes of it | runs | held |
| --- | --- | ---: | ---: |
${rows.join('\n')}
`;
}

import { FAULTS } from './faults/all.ts';
import type { Outcome } from './run.ts';

/** The results of all faults as Markdown. `first`: the first seed. */
export function table(outcomes: Outcome[], first: number): string {
  const rows = FAULTS.map(({ name, outcome }) => {
    const runs = outcomes.filter(({ faults }) => faults.includes(name));
    const passed = runs.filter(({ wrong }) => wrong.length === 0).length;
    return `| ${name} | ${outcome} | ${runs.length} | ${passed} |`;
  });
  const passed = outcomes.filter(({ wrong }) => wrong.length === 0).length;
  return `# Fault injection: results

Written by \`npm run chaos -- --write\`: errands with real containers, a real git server and a fake Claude API, while faults
are injected at times that a seed decides. ${outcomes.length} runs, seeds ${first} to ${first + outcomes.length - 1}: ${passed} passed.

Each run checks these invariants: the log of every errand has exactly the events that its workers wrote to their own
disks, in order, once; every errand has the expected end, with one attempt at a time; the model was not asked again for a
turn whose response was stored; each command left its trace at most once; clients that followed the whole time have the
same log; no container, process, folder or socket is left; the database is intact and contains no secret. A fault counts
only if it happened, and a run in which none did fails.

| fault | expected outcome | runs | passed |
| --- | --- | ---: | ---: |
${rows.join('\n')}
`;
}

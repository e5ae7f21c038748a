import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { closeEngine } from './engine.ts';
import { FAULTS } from './faults/all.ts';
import { chooseFaults, runOnce, type Outcome } from './run.ts';
import { table } from './table.ts';

const USAGE = `npm run chaos -- [options]
  Runs errands while faults are injected, and checks that nothing is lost.
  --runs N         how many runs (20)
  --seed N         the seed of the first run; the next ones count up. By default another one each time
  --fault TEXT     only the faults whose name contains this; --fault '' goes through all of them, one a run
  --jobs N         runs at once (2)
  --runner NAME    docker, or process for a machine without it (docker)
  --write          write the table of what happened to test/chaos/README.md
`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    fault: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    runner: { type: 'string', default: 'docker' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const [runs, first] = [Number(values.runs), Number(values.seed)];
const wanted = FAULTS.filter(({ name }) => name.includes(values.fault ?? ''));
const why_not = new Map<string, string>();
for (const { name, whyNot } of wanted) {
  const reason = await whyNot?.();
  if (reason !== undefined) why_not.set(name, reason);
}
for (const [name, reason] of why_not) console.log(`skipped: ${name}: ${reason}`);
const possible = wanted.filter(({ name }) => !why_not.has(name));
if (possible.length === 0) throw new Error(`No fault that can run here has '${values.fault}' in its name.`);

const outcomes: Outcome[] = [];
let next = first;
// Current runs finish, so that they remove their engine, disks and containers.
process.once('SIGINT', () => {
  console.log('Stopping after the current runs.');
  next = Infinity;
});
async function work(): Promise<void> {
  while (next < first + runs) {
    const seed = next++;
    // Ascending seeds go through all faults; the seed decides which one joins.
    const faults =
      values.fault === undefined
        ? chooseFaults(seed, possible)
        : [possible[seed % possible.length] ?? chooseFaults(seed, possible)].flat();
    const outcome = await runOnce(seed, faults, values.runner === 'process' ? 'process' : 'docker');
    outcomes.push(outcome);
    const result = outcome.wrong.length === 0 ? 'passed' : 'FAILED';
    const what = outcome.faults.join(' + ') || 'no fault injected';
    console.log(
      `seed ${seed}: ${result} in ${(outcome.duration_ms / 1000).toFixed(1)} s, ${outcome.tasks} errands, ${outcome.attempts} attempts, ${outcome.starts} starts: ${what}`,
    );
    for (const lost of outcome.lost) console.log(`    ${lost}`);
    for (const wrong of outcome.wrong) console.log(`    ${wrong}`);
    if (outcome.evidence !== null)
      console.log(
        `    ${outcome.evidence}; to repeat: npm run chaos -- --runs 1 --seed ${seed}${values.fault === undefined ? '' : ` --fault '${values.fault}'`}`,
      );
  }
}
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
await closeEngine();
const failed = outcomes.filter(({ wrong }) => wrong.length > 0);
const text = table(outcomes, first);
console.log(`\n${text}\n${outcomes.length - failed.length} runs passed, ${failed.length} failed.`);
if (values.write) await writeFile(new URL('./README.md', import.meta.url), text);
process.exit(failed.length === 0 ? 0 : 1);

import { parseArgs } from 'node:util';
import { readConfig } from '../../agent-container/config.ts';
import { checkAll, type Verdict } from './check-worker.ts';
import { asContainer, asProcess, attachedWorker, startedWorkers, type WorkerSource } from './worker-under-test.ts';
import { oneLife } from './worker-life.ts';
import { otherLives } from './worker-suite.ts';

/*
 * Checks any worker against the rules of the contract in `protocol/worker.ts`. Exit code 0: it follows every rule.
 */

const USAGE = `npm run conformance -- --worker WORKER [options]
  WORKER is one of
    image:NAME            a container of this image is started for each rule
    command:PROGRAM ARGS  a process is started for each rule
    unix:PATH, http://HOST:PORT
                          a worker that you started, for one life; give it ERRAND_COORDINATOR as --coordinator says
  --coordinator ADDRESS   where the mock coordinator listens for it: unix:PATH, or http://127.0.0.1:PORT (8788)
  --short PROMPT          a task that ends by itself        --long PROMPT   one that is still under way when it is interrupted
  --noisy PROMPT          a task that ends by itself, with at least 1 MB of events; without it the spool's bound is not checked
  --work-ms N             how long a task may take (120000)
`;

const { values } = parseArgs({
  options: {
    worker: { type: 'string' },
    coordinator: { type: 'string', default: 'http://127.0.0.1:8788' },
    short: { type: 'string', default: 'Make the failing test pass.' },
    long: { type: 'string', default: 'Make the failing test pass.' },
    noisy: { type: 'string' },
    'work-ms': { type: 'string', default: '120000' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || values.worker === undefined) {
  process.stdout.write(USAGE);
  process.exit(values.help ? 0 : 2);
}

const source = await sourceOf(values.worker);
let verdicts: Verdict[] = [];
try {
  const { short, long, noisy = null } = values;
  const context = { source, prompts: { short, long, noisy }, work_ms: Number(values['work-ms']) };
  const others = otherLives(context.prompts);
  verdicts = await checkAll(oneLife(), context, tell);
  if (source.lives === 'many') verdicts.push(...(await checkAll(others, context, tell)));
  else console.log(`  - ${others.length} more rules need a new worker each: use image:… or command:…`);
  if (noisy === null) console.log("  - the spool's bound was not checked: use --noisy");
} finally {
  await source.close();
}
const broken = verdicts.filter(({ ok }) => !ok).length;
console.log(`${verdicts.length - broken} of ${verdicts.length} rules passed.`);
process.exit(broken === 0 ? 0 : 1);

function tell({ name, ok, words }: Verdict): void {
  console.log(ok ? `  ✔ ${name}` : `  ✘ ${name}\n      ${words.split('\n').join('\n      ')}`);
}

function sourceOf(worker: string): Promise<WorkerSource> {
  if (worker.startsWith('image:')) return startedWorkers(asContainer(worker.slice('image:'.length)));
  if (worker.startsWith('command:'))
    return startedWorkers(asProcess(worker.slice('command:'.length).trim().split(/\s+/)));
  const listen = worker.replace(/^https?:\/\//, '').replace(/\/$/, '');
  const config = readConfig({ ERRAND_COORDINATOR: values.coordinator, ERRAND_LISTEN: listen });
  if (config.listen === null) throw new Error(`${worker} does not name a worker: see --help.`);
  const { socket_path, origin } = config.coordinator;
  return attachedWorker(config.listen, socket_path === null ? { port: Number(new URL(origin).port) } : { socket_path });
}

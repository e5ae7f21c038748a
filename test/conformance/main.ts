import { parseOptions } from '../support/parse-options.ts';
import { readConfig } from '../../agent-container/config.ts';
import { checkNamed, checkOneLife, checkOtherLives, type Verdict } from './check-worker.ts';
import { asContainer, asProcess, attachedWorker, startedWorkers, type WorkerSource } from './worker-under-test.ts';
import { otherLives } from './worker-suite.ts';

/*
 * Checks any worker against the rules of the contract in `protocol/worker.ts`. Exit code 0: it keeps all that were
 * checked.
 */

const USAGE = `npm run conformance -- --worker WORKER [options]
  WORKER is one of
    image:NAME            a container of this image is started for each rule
    command:PROGRAM ARGS  a process is started for each rule
    unix:PATH, http://HOST:PORT
                          a worker that you started, for one life; give it ERRAND_COORDINATOR as --coordinator says
  --coordinator ADDRESS   where the mock coordinator listens for it: unix:PATH, or http://127.0.0.1:PORT (8788)
  --short PROMPT          a task that ends by itself, and changes a file ("Make the failing test pass.")
  --long PROMPT           a task that works for 10 s at least, and reports an event that the next attempt has to keep, such
                          as a log, before the model first answers ("Make the failing test pass."). Requests to the model
                          get no answer in it, so an agent that asks Claude through the coordinator waits there; for any
                          other agent, name a task that takes long, such as "Run: sleep 600"
  --noisy PROMPT          a task that ends by itself, with at least 1 MB of events; without it the spool's bound is not checked
  --asks PROMPT           a task in which the worker asks one question, and ends by itself after the answer, which is "Yes.";
                          without it questions are not checked
  --work-ms N             how long a task may take (120000)
  --rule TEXT             only rules with this text in their names, with those of the same life that come before
`;

const values = parseOptions({
  options: {
    worker: { type: 'string' },
    coordinator: { type: 'string', default: 'http://127.0.0.1:8788' },
    short: { type: 'string', default: 'Make the failing test pass.' },
    long: { type: 'string', default: 'Make the failing test pass.' },
    noisy: { type: 'string' },
    asks: { type: 'string' },
    rule: { type: 'string' },
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
  verdicts = await check(source);
} finally {
  await source.close();
}
const broken = verdicts.filter(({ ok }) => !ok).length;
if (verdicts.length > 0) console.log(`${verdicts.length - broken} of ${verdicts.length} rules passed.`);
process.exit(broken === 0 && verdicts.length > 0 ? 0 : 1);

/** Checks what was asked for, and tells what is left. */
async function check(source: WorkerSource): Promise<Verdict[]> {
  const { short, long, noisy = null, asks = null } = values;
  const context = { source, prompts: { short, long, noisy, asks }, work_ms: Number(values['work-ms']) };
  if (values.rule !== undefined) {
    const named = await checkNamed(values.rule, context, tell);
    tellUnchecked(named.unchecked);
    if (named.verdicts.length + named.unchecked.length === 0)
      console.error(`No rule has '${values.rule}' in its name.`);
    return named.verdicts;
  }
  const { verdicts, boots } = await checkOneLife(context, tell);
  if (!boots) console.log('  - no other rule was checked');
  else if (source.lives === 'many') {
    const others = await checkOtherLives(context, tell);
    verdicts.push(...others.verdicts);
    tellUnchecked(others.unchecked);
  } else {
    const { length } = otherLives(context.prompts);
    console.log(`  - ${length} more rules need a new worker each: use image:… or command:…`);
  }
  if (asks === null) console.log('  - questions were not checked: use --asks');
  if (noisy === null) console.log("  - the spool's bound was not checked: use --noisy");
  return verdicts;
}

function tellUnchecked(unchecked: readonly string[]): void {
  for (const why of new Set(unchecked))
    console.log(`  - not checked: ${why} (rules: ${unchecked.filter((other) => other === why).length})`);
}

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

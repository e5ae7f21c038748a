/*
 * The worker with a script instead of its agent, for tests of the worker's process. The task's prompt is a JSON array
 * of steps.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { readConfig } from '../../agent-container/config.ts';
import { logToStderr } from '../../agent-container/base/logger.ts';
import type { Work, WorkInput } from '../../agent-container/base/work.ts';
import { endOnSignals, Worker } from '../../agent-container/worker.ts';
import { DONE, untilStopped } from './worker-scene.ts';

const Step = z.union([
  /** Emits events `<prefix>1` … `<prefix>n`. */
  z.object({ emit: z.number(), prefix: z.string().default('') }),
  z.object({ write: z.string(), text: z.string() }),
  z.object({ run: z.string() }),
  /** Takes in the messages of the assignment, or the first one that arrives. */
  z.object({ hear: z.literal(true) }),
  z.object({ wait: z.literal(true) }),
]);
export type Step = z.input<typeof Step>;

const work: Work = async (input) => {
  for (const step of z.array(Step).parse(JSON.parse(input.assignment.prompt))) await take(step, input);
  return DONE;
};

async function take(step: z.output<typeof Step>, input: WorkInput): Promise<void> {
  const { report, repo_dir, command_env, messages, signal } = input;
  if ('emit' in step) {
    for (let i = 1; i <= step.emit; i++)
      await report.emit({ type: 'log', body: { level: 'info', text: `${step.prefix}${i}` } });
  } else if ('write' in step) await writeFile(join(repo_dir, step.write), step.text);
  else if ('run' in step) {
    const { stdout } = await promisify(execFile)('sh', ['-c', step.run], { cwd: repo_dir, env: command_env });
    await report.emit({ type: 'log', body: { level: 'info', text: stdout } });
  } else if ('hear' in step) {
    await messages.arrived(signal);
    for (const { id, text } of messages.take())
      await report.emit({ type: 'input.added', body: { turn: 0, source: 'person', message_id: id, text } });
  } else await untilStopped(input);
}

const worker = new Worker({
  config: readConfig(process.env),
  agent: { agent: 'scripted', version: '1' },
  loadWork: () => Promise.resolve(work),
  log: logToStderr,
});
const started = worker.start();
endOnSignals(worker, started);
await started;
process.exit(await worker.ended);

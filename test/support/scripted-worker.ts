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
import { AttemptFailure } from '../../agent-container/base/failure.ts';
import { logToStderr } from '../../agent-container/base/logger.ts';
import { Secrets } from '../../agent-container/base/secrets.ts';
import type { Work, WorkInput } from '../../agent-container/base/work.ts';
import { WorkParked } from '../../agent-container/base/work-parked.ts';
import { AttemptLimits } from '../../agent-container/loop/limits.ts';
import { ProjectCommands } from '../../agent-container/loop/project-commands.ts';
import type { RecordEvent } from '../../agent-container/loop/transcript.ts';
import { parked } from '../../agent-container/loop/work-result.ts';
import { Shell } from '../../agent-container/shell/shell.ts';
import { askPerson } from '../../agent-container/tools/ask-person.ts';
import { endOnSignals, Worker } from '../../agent-container/worker.ts';
import { DONE, untilStopped } from './worker-scene.ts';

/** How long a question waits where the work cannot be parked. */
const QUESTION_MS = 60_000;
const MESSAGE_WAIT_MS = 60_000;

const Step = z.union([
  /** Emits events `<prefix>1` … `<prefix>n`. */
  z.object({ emit: z.number(), prefix: z.string().default('') }),
  z.object({ write: z.string(), text: z.string() }),
  z.object({ run: z.string() }),
  /** Takes in the messages of the assignment, or the first one that arrives. */
  z.object({ hear: z.literal(true) }),
  /** Asks the person, and takes in the answer. Without one it parks, where the assignment and `parks` allow that. */
  z.object({ ask: z.string(), parks: z.boolean().default(true) }),
  z.object({ wait: z.literal(true) }),
]);
export type Step = z.input<typeof Step>;

/** Setup, the steps, verify, within the time limit. */
const work: Work = async (given) => {
  const { assignment, report, repo_dir, scratch_dir, command_env: env } = given;
  const { attempt, prompt, setup_command, verify_command } = assignment;
  const limits = new AttemptLimits(assignment);
  const signal = AbortSignal.any([given.signal, limits.deadline]);
  const shell = new Shell({ repo_dir, scratch_dir, env, secrets: new Secrets(assignment), label: 'project', signal });
  const record: RecordEvent = (event) => report.emit(event);
  const hearing = { messages: given.messages, message_wait_ms: MESSAGE_WAIT_MS };
  const commands = new ProjectCommands({ shell, attempt, report, ...hearing, record });
  try {
    if (setup_command !== null) await commands.setup(setup_command);
    for (const step of z.array(Step).parse(JSON.parse(prompt))) await take(step, { ...given, signal }, shell);
    const verified = verify_command === null ? null : await commands.verify(verify_command);
    if (verified?.kind === 'failed') throw new AttemptFailure('verify_failed', verified.text);
    return DONE;
  } catch (error) {
    if (error instanceof WorkParked) return parked(assignment.title);
    if (limits.deadline.aborted && !given.signal.aborted) throw limits.timeLimitFailure();
    throw error;
  } finally {
    await shell.close();
  }
};

async function take(step: z.output<typeof Step>, input: WorkInput, shell: Shell): Promise<void> {
  const { assignment, report, repo_dir, scratch_dir, command_env, messages, signal } = input;
  if ('emit' in step) {
    for (let i = 1; i <= step.emit; i++)
      await report.emit({ type: 'log', body: { level: 'info', text: `${step.prefix}${i}` } });
  } else if ('write' in step) await writeFile(join(repo_dir, step.write), step.text);
  else if ('run' in step) {
    const { stdout } = await promisify(execFile)('sh', ['-c', step.run], { cwd: repo_dir, env: command_env });
    await report.emit({ type: 'log', body: { level: 'info', text: stdout } });
  } else if ('hear' in step) {
    await messages.arrived(signal);
    await hear(input);
  } else if ('ask' in step) {
    const park_after_ms = step.parks ? assignment.park_after_ms : undefined;
    const dirs = { repo_dir, other_dirs: [], scratch_dir, read_dirs: [] };
    const parks = park_after_ms !== undefined;
    const asking = { ref: 'asked', question_ms: park_after_ms ?? QUESTION_MS, message_wait_ms: MESSAGE_WAIT_MS, parks };
    const secrets = new Secrets(assignment);
    await askPerson.run({ question: step.ask }, { ...dirs, ...asking, shell, secrets, report, messages, signal });
    await hear(input);
  } else await untilStopped(input);
}

async function hear({ messages, report }: WorkInput): Promise<void> {
  for (const { id, text } of await messages.take(true))
    await report.emit({ type: 'input.added', body: { turn: 0, source: 'person', message_id: id, text } });
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

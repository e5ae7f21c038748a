import type { WorkerEvent } from '../../protocol/events.ts';
import { readInstructions } from './instructions.ts';
import { ModelClient, type ModelPace } from '../model/client.ts';
import { Shell } from '../shell/shell.ts';
import { Secrets } from '../base/text.ts';
import { TOOLS } from '../tools/all.ts';
import type { Work, WorkEnd, WorkInput } from '../base/work.ts';
import { Asker, type RetryPace } from './ask.ts';
import { refuseCalls, type Caller } from './call-tools.ts';
import { cancelled, failed, succeeded } from './ending.ts';
import { Guards } from './guards.ts';
import { Loop, type LoopCaller } from './loop.ts';
import { runSetup, runVerify } from './project-commands.ts';
import { firstContent, SYSTEM } from './prompt.ts';
import { Stopped } from './stopped.ts';
import { Transcript } from './transcript.ts';

export type Pace = ModelPace & RetryPace & { checkpoint_ms: number };

/** How long the model may take, and how long it is waited for: a limit that resets within half an hour is waited out. */
const PACE: Pace = {
  headers_ms: 120_000,
  idle_ms: 180_000,
  backoff_first_ms: 1_000,
  backoff_most_ms: 60_000,
  failures_max: 10,
  wait_total_ms: 30 * 60_000,
  checkpoint_ms: 5 * 60_000,
};

/** The work of an attempt: setup, the loop, verify. Rejects only with what is a fault of this program, or of the machine. */
export const work: Work = (input) => workAt(PACE, input);

/** The same at another pace. */
export async function workAt(pace: Pace, input: WorkInput): Promise<WorkEnd> {
  const { assignment } = input;
  const guards = new Guards(assignment);
  const signal = AbortSignal.any([input.signal, guards.deadline]);
  const transcript = new Transcript();
  const secrets = new Secrets(assignment.env);
  const { repo_dir, scratch_dir, command_env: env } = input;
  const label = `attempt-${assignment.attempt}`;
  const shell = new Shell({ repo_dir, scratch_dir, env, secrets, label: `${label}-setup`, signal });
  try {
    for (const event of assignment.transcript) transcript.apply(event);
    const record = async (event: WorkerEvent) => {
      await input.report.emit(event);
      transcript.apply(event);
    };
    const around = { report: input.report, record };
    if (assignment.setup_command !== null) await runSetup(shell, assignment.setup_command, around);
    // The verify command judges the work: what the agent exports does not reach it.
    const judge = shell.fork(`${label}-verify`);
    await record({ type: 'step.started', body: { step: 'work' } });
    const { verify_command } = assignment;
    await begin(input, transcript, record);
    const caller = callerFor(input, shell.fork(`${label}-command`), secrets, record, signal);
    await closeInterrupted(transcript, caller);
    await new Loop({
      input,
      transcript,
      guards,
      asker: new Asker(new ModelClient(input.model, pace), input.report, pace),
      verify: async () => (verify_command === null ? null : runVerify(judge, verify_command, around)),
      signal,
      caller,
      checkpoint_ms: pace.checkpoint_ms,
      record,
    }).run();
    return succeeded(assignment.title, transcript.words);
  } catch (error) {
    if (input.signal.aborted) return cancelled(assignment.title, transcript.words);
    if (error instanceof Stopped) return failed(assignment.title, transcript.words, error);
    if (guards.deadline.aborted) return failed(assignment.title, transcript.words, guards.timeIsUp());
    throw error;
  } finally {
    input.report.waitingFor(null);
    await shell.close();
  }
}

/** Begins the conversation, once for all attempts. */
async function begin(
  { assignment, repo_dir }: WorkInput,
  transcript: Transcript,
  record: (event: WorkerEvent) => Promise<void>,
): Promise<void> {
  if (transcript.system !== null) return;
  const content = firstContent(assignment, repo_dir, await readInstructions(repo_dir));
  await record({ type: 'conversation.started', body: { system: SYSTEM, content } });
}

function callerFor(
  { report, inbox, repo_dir, scratch_dir }: WorkInput,
  shell: Shell,
  secrets: Secrets,
  record: (event: WorkerEvent) => Promise<void>,
  signal: AbortSignal,
): LoopCaller {
  const heard: WorkInput['report'] = {
    emit: record,
    delta: (delta) => report.delta(delta),
    waitingFor: (waiting) => report.waitingFor(waiting),
    heard: () => report.heard(),
  };
  const context = { repo_dir, scratch_dir, shell, report: heard, inbox, signal };
  return { tools: TOOLS, secrets, context, record };
}

/**
 * Answers the calls that were under way when the attempt before was lost. Where none had begun they are left open: the loop runs them, and nothing that was
 * paid for is asked twice.
 */
async function closeInterrupted(transcript: Transcript, caller: Pick<Caller, 'record' | 'secrets'>): Promise<void> {
  const open = transcript.openCalls();
  const { turn } = transcript;
  if (!open.some(({ started }) => started) && !transcript.hasResults) return;
  for (const call of open) {
    if (call.started && call.name === 'ask_person')
      await caller.record({ type: 'question.closed', body: { ref: call.ref, answered: false } });
    await refuseCalls(caller, turn, [call], call.started ? INTERRUPTED : NOT_EXECUTED);
  }
}

const INTERRUPTED = 'Interrupted: the worker died while it ran. Check the state before you repeat it.';
const NOT_EXECUTED = 'Not executed: the worker died before it. Make the call again if it is still right.';

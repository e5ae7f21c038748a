import { join } from 'node:path';
import type { WorkerEvent } from '../../protocol/events.ts';
import { AttemptFailure } from '../base/failure.ts';
import { emittingBy } from '../base/progress.ts';
import { WorkParked } from '../base/work-parked.ts';
import { Secrets } from '../base/secrets.ts';
import type { Work, WorkInput, WorkResult } from '../base/work.ts';
import { ModelClient, type ModelTimeouts } from '../model/client.ts';
import { RetryingModelClient, type RetryLimits } from '../model/retrying-client.ts';
import { shortenEvent } from '../reporting/shorten-event.ts';
import { Shell } from '../shell/shell.ts';
import { McpServers, type Started } from '../mcp/servers.ts';
import { TOOLS } from '../tools/all.ts';
import type { Tool } from '../tools/tool.ts';
import { Attachments } from './attachments.ts';
import { Checkpoints } from './checkpoints.ts';
import { AttemptLimits } from './limits.ts';
import { Loop } from './loop.ts';
import { ModelTurns } from './model-turns.ts';
import { firstNotes, startConversation } from './opening.ts';
import { whyHeld } from './plan-first.ts';
import { ProjectCommands } from './project-commands.ts';
import { repositoryDirs } from './repository-dirs.ts';
import { resume } from './resume.ts';
import { ToolCalls } from './tool-calls.ts';
import { specsOf } from './tool-specs.ts';
import { Transcript, type RecordEvent } from './transcript.ts';
import { cancelled, failed, parked, succeeded } from './work-result.ts';

/**
 * `checkpoint_ms`: how long the work may go on without a checkpoint. `checkpoint_end_ms`: how long its end waits for
 * the one that runs. `keep_cache_ms`: after how long without a request the API is asked to keep the conversation in its
 * cache, where it stays for five minutes otherwise. `message_wait_ms`: how long a message waits for the end of a
 * command.
 */
export type WorkSettings = ModelTimeouts &
  RetryLimits & { checkpoint_ms: number; checkpoint_end_ms: number; keep_cache_ms: number; message_wait_ms: number };

/** A limit of the API that resets soon is waited for. For a later one the task gives its worker back. */
const SETTINGS: WorkSettings = {
  headers_ms: 120_000,
  idle_ms: 180_000,
  backoff: { first_ms: 1_000, max_ms: 60_000 },
  failures_max: 10,
  broken_answers_max: 5,
  wait_total_ms: 5 * 60_000,
  checkpoint_ms: 5 * 60_000,
  checkpoint_end_ms: 20_000,
  // Before a worker is parked, by default.
  keep_cache_ms: 2 * 60_000,
  message_wait_ms: 5_000,
};

/**
 * The work of an attempt: setup, the agent loop, verify. Rejects only for a bug of this program, or a fault of the
 * machine.
 */
export const work: Work = (input) => workWith(SETTINGS, input);

/** The same with other settings. */
export async function workWith(settings: WorkSettings, input: WorkInput): Promise<WorkResult> {
  const { assignment, report } = input;
  const { title, setup_command, verify_command, attempt } = assignment;
  const limits = new AttemptLimits(assignment);
  const signal = AbortSignal.any([input.signal, limits.deadline]);
  const transcript = new Transcript();
  // The transcript gets what is stored: the next attempt sends the same conversation.
  const record = async (event: WorkerEvent) => {
    const stored = shortenEvent(event);
    await report.emit(stored);
    transcript.apply(stored);
  };
  const shared = { transcript, record, signal };
  const secrets = new Secrets(assignment);
  const shell = shellFor(input, secrets, signal);
  const checkpoints = new Checkpoints({ ...settings, checkpoint: input.checkpoint });
  const servers = new McpServers({ dirs: repositoryDirs(input), shell, secrets, report, signal });
  try {
    for (const event of assignment.transcript) transcript.apply(event);
    const commands = new ProjectCommands({ ...settings, shell, attempt, report, messages: input.messages, record });
    if (setup_command !== null) await commands.setup(setup_command);
    const command_shell = shell.fork(`attempt-${attempt}-command`);
    await record({ type: 'step.started', body: { step: 'work' } });
    const mcp = await startServers(servers, record);
    await startConversation(input, { shell, secrets, limits, transcript, mcp, record });
    const tools = [...TOOLS, ...mcp.tools];
    const tool_calls = toolCallsFor(input, settings, { tools, shell: command_shell, secrets, ...shared });
    await command_shell.keepCwdIn(join(input.scratch_dir, 'working-folder'));
    await resume(transcript, tool_calls, record, input.workspace_note);
    // Those of the prompt, and of messages that were heard.
    const attachments = new Attachments({ input, ...shared });
    await attachments.show(assignment.attachments ?? []);
    const model = new RetryingModelClient(new ModelClient(input.model, settings), report, settings);
    const turns = new ModelTurns({ assignment, limits, model, tools: specsOf(tools), ...shared });
    await new Loop({
      ...shared,
      input,
      limits,
      turns,
      attachments,
      shell: command_shell,
      tool_calls,
      secrets,
      first_notes: await firstNotes(input, { limits, shell: command_shell, secrets, mcp }),
      verify: verify_command === null ? null : () => limits.timingCheck(() => commands.verify(verify_command)),
      deliver: (is_partial_ok) => input.deliver(succeeded(title, transcript.last_text).commit_message, is_partial_ok),
      checkpoints,
      keep_cache_ms: settings.keep_cache_ms,
    }).run();
    return succeeded(title, transcript.last_text);
  } catch (error) {
    return endedBy(error, { input, limits, last_text: transcript.last_text });
  } finally {
    checkpoints.stop();
    report.waitingFor(null);
    await shell.close();
    await servers.close();
  }
}

type Ended = { input: WorkInput; limits: AttemptLimits; last_text: string };

/** The result of work that did not come to its end. Throws an error that is none of the ways to end it. */
function endedBy(error: unknown, { input, limits, last_text }: Ended): WorkResult {
  const { title } = input.assignment;
  if (input.signal.aborted) return cancelled(title, last_text);
  if (error instanceof AttemptFailure) return failed(title, last_text, error);
  if (error instanceof WorkParked) return parked(title);
  if (limits.deadline.aborted) return failed(title, last_text, limits.timeLimitFailure());
  throw error;
}

function shellFor(
  { assignment, repo_dir, scratch_dir, command_env }: WorkInput,
  secrets: Secrets,
  signal: AbortSignal,
) {
  const label = `attempt-${assignment.attempt}-setup`;
  return new Shell({ repo_dir, scratch_dir, env: command_env, secrets, label, signal });
}

/** Starts the MCP servers of the repositories, and tells the person what came of it. */
async function startServers(servers: McpServers, record: RecordEvent): Promise<Started> {
  const begun = await servers.start();
  if (begun.started !== null) await record({ type: 'log', body: { level: 'info', text: begun.started } });
  for (const text of begun.faults) await record({ type: 'log', body: { level: 'warn', text } });
  return begun;
}

type CallParts = {
  tools: readonly Tool[];
  shell: Shell;
  secrets: Secrets;
  transcript: Transcript;
  record: RecordEvent;
  signal: AbortSignal;
};

/** The tools report through `record`, so that their events reach the transcript too. */
function toolCallsFor(
  { assignment, report, messages, repo_dir, others, scratch_dir, read_dirs }: WorkInput,
  { message_wait_ms }: WorkSettings,
  { tools, shell, secrets, transcript, record, signal }: CallParts,
): ToolCalls {
  const parks = assignment.park_after_ms !== undefined;
  const other_dirs = others.map(({ dir }) => dir);
  const dirs = { repo_dir, other_dirs, scratch_dir, read_dirs };
  const shared = { ...dirs, shell, secrets, messages, message_wait_ms, parks, signal };
  const context = { ...shared, report: emittingBy(report, record) };
  const held = (name: string) => whyHeld(assignment, transcript, name);
  return new ToolCalls({ tools, context, record, whyHeld: held });
}

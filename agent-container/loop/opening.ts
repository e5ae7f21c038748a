import type { Secrets } from '../base/secrets.ts';
import type { WorkInput } from '../base/work.ts';
import type { Started } from '../mcp/servers.ts';
import type { Shell } from '../shell/shell.ts';
import { readEnvironment, toolsNote } from './environment.ts';
import { readInstructions } from './instructions.ts';
import type { AttemptLimits } from './limits.ts';
import { newShellNote } from './new-shell.ts';
import { firstContent, SYSTEM } from './prompt.ts';
import { repositoryDirs } from './repository-dirs.ts';
import { listSkills } from './skills.ts';
import { standingNote, standingText } from './standing.ts';
import type { RecordEvent, Transcript } from './transcript.ts';

type Beginning = {
  shell: Shell;
  secrets: Secrets;
  limits: AttemptLimits;
  transcript: Transcript;
  /** What became of the MCP servers. */
  mcp: Started;
  record: RecordEvent;
};

/** What the model is told before its first turn in this attempt, where an earlier one has begun the conversation. */
export async function firstNotes(
  { assignment, repo_dir }: WorkInput,
  { limits, shell, secrets, mcp }: Pick<Beginning, 'limits' | 'shell' | 'secrets' | 'mcp'>,
): Promise<string[]> {
  const { transcript, instructions } = assignment;
  if (!transcript.some(({ type }) => type === 'conversation.started')) return [];
  const notes = [
    newShellNote(transcript, shell.cwd, repo_dir),
    standingNote(transcript, instructions, secrets),
    await toolsNote(transcript, shell.fork(`attempt-${assignment.attempt}-tools`)),
    ...mcp.faults.map((fault) => `[Errand] ${fault}`),
  ];
  // The limits of the earlier attempt say nothing any more.
  return [`[Errand] From now on you have ${limits.rest}.`, ...notes.filter((note) => note !== null)];
}

/** Starts the conversation, in the first attempt only: later ones continue it. */
export async function startConversation(
  input: WorkInput,
  { shell, secrets, limits, transcript, mcp, record }: Beginning,
): Promise<void> {
  if (transcript.system !== null) return;
  const { assignment } = input;
  const own_shell = shell.fork(`attempt-${assignment.attempt}-environment`);
  const environment = await readEnvironment(own_shell, assignment.setup_command !== null);
  const dirs = repositoryDirs(input);
  const texts = {
    instructions: await readInstructions(dirs, secrets),
    skills: await listSkills(dirs, secrets),
    mcp: [mcp.instructions, ...mcp.faults].filter((text) => text !== null).join('\n') || null,
    standing: standingText(assignment.instructions, secrets),
  };
  const content = firstContent(input, [...environment, `You have ${limits.rest}.`], texts);
  await record({ type: 'conversation.started', body: { system: SYSTEM, content } });
}

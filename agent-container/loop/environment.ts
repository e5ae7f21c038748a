import { z } from 'zod';
import type { TranscriptEvent } from '../../protocol/worker-schemas.ts';
import type { Shell } from '../shell/shell.ts';

const TIMEOUT_MS = 10_000;
const LINE_CHARS_MAX = 120;
const COMMITS = 5;
const LINES_MAX = 20;
const TOOLS =
  'git node npm pnpm yarn bun deno python3 pip uv go cargo java mvn gradle ruby bundle php composer dotnet gcc clang make cmake ' +
  'docker curl jq rg sqlite3 psql';

const TOOLS_ARE = 'Of the usual tools it has: ';
/** Begins a note about other tools than the conversation was told of. */
const TOOLS_CHANGED = '[Errand] The machine has other tools than before. ';

const FIND_TOOLS = `for tool in ${TOOLS}; do command -v "$tool" >/dev/null && echo "tool $tool"; done`;

/**
 * Prints a fact per line, after its name. A command that is missing or fails costs only its own fact. Of many changes
 * it prints the number and the first: a long output is cut in the middle.
 */
const SCRIPT = `(
  . /etc/os-release 2>/dev/null
  echo "os \${PRETTY_NAME:-$(uname -s)}, $(uname -m)"
  echo "user $(id -un 2>/dev/null || id -u)"
  ${FIND_TOOLS}
  git log -${COMMITS} --date=short --format='commit %h %ad %s'
  changes=$(git status --porcelain)
  echo "changes $(printf '%s' "$changes" | grep -c '')"
  printf '%s' "$changes" | sed -n '1,${LINES_MAX}s/^/change /p'
) 2>/dev/null`;

/**
 * What the model would look up first: sentences about the machine, its tools and the repository as it is now. Empty if
 * they cannot be found out. `has_setup`: the setup command has run.
 */
export async function readEnvironment(shell: Shell, has_setup: boolean): Promise<string[]> {
  const all = await readFacts(shell, SCRIPT);
  const [os] = all('os');
  const [user] = all('user');
  const tools = all('tool');
  return [
    `The date is ${new Date().toISOString().slice(0, 10)}.`,
    ...(os === undefined ? [] : [`The machine runs ${os}; commands run as the user ${user ?? 'of the worker'}.`]),
    ...(tools.length === 0 ? [] : [toolsText(tools)]),
    ...listed('The newest commits:', all('commit')),
    ...(has_setup ? listed(LEFT_BY_SETUP, all('change'), Number(all('changes')[0])) : []),
  ];
}

const Noted = z.object({ source: z.literal('harness'), text: z.string().startsWith(TOOLS_CHANGED) });

/**
 * What a model must be told that goes on where there are other tools, such as in another image; null: they are those
 * that it was told of last, or nothing is known of them.
 */
export async function toolsNote(transcript: TranscriptEvent[], shell: Shell): Promise<string | null> {
  const told = transcript.findLast(tellsTools);
  const tools = told ? (await readFacts(shell, FIND_TOOLS))('tool') : [];
  const now = toolsText(tools);
  if (tools.length === 0 || JSON.stringify(told?.body).includes(now)) return null;
  return `${TOOLS_CHANGED}${now}`;
}

function tellsTools({ type, body }: TranscriptEvent): boolean {
  if (type === 'input.added') return Noted.safeParse(body).success;
  return type === 'conversation.started' && JSON.stringify(body).includes(TOOLS_ARE);
}

const toolsText = (tools: string[]): string => `${TOOLS_ARE}${tools.join(', ')}.`;

/** Runs a script that prints facts, and gives those of a name. */
async function readFacts(shell: Shell, script: string): Promise<(name: string) => string[]> {
  const { output } = await shell.run(script, TIMEOUT_MS, () => undefined);
  return (name) =>
    output.split('\n').flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1).trim()] : []));
}

const LEFT_BY_SETUP =
  'The setup command has left these changes, which are committed with yours unless you undo those that do not belong to the task:';

/** A sentence and the lines that it is about, of which there may be more. */
function listed(sentence: string, lines: string[], count = lines.length): string[] {
  if (lines.length === 0) return [];
  const shown = lines.map((line) => `  ${line.slice(0, LINE_CHARS_MAX).toWellFormed()}`);
  if (count > lines.length) shown.push(`  and ${count - lines.length} more`);
  return [[sentence, ...shown].join('\n')];
}

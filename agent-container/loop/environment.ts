import type { Shell } from '../shell/shell.ts';

const TIMEOUT_MS = 10_000;
const LINE_CHARS_MAX = 120;
const COMMITS = 5;
const LINES_MAX = 20;
const TOOLS =
  'git node npm pnpm yarn bun deno python3 pip uv go cargo java mvn gradle ruby bundle php composer dotnet gcc clang make cmake ' +
  'docker curl jq rg sqlite3 psql';

/**
 * Prints a fact per line, after its name. A command that is missing or fails costs only its own fact. Of many changes
 * it prints the number and the first: a long output is cut in the middle.
 */
const SCRIPT = `(
  . /etc/os-release 2>/dev/null
  echo "os \${PRETTY_NAME:-$(uname -s)}, $(uname -m)"
  echo "user $(id -un 2>/dev/null || id -u)"
  for tool in ${TOOLS}; do command -v "$tool" >/dev/null && echo "tool $tool"; done
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
  const { output } = await shell.run(SCRIPT, TIMEOUT_MS, () => undefined);
  const all = (name: string) =>
    output.split('\n').flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1).trim()] : []));
  const [os] = all('os');
  const [user] = all('user');
  const tools = all('tool');
  return [
    `The date is ${new Date().toISOString().slice(0, 10)}.`,
    ...(os === undefined ? [] : [`The machine runs ${os}; commands run as the user ${user ?? 'of the worker'}.`]),
    ...(tools.length === 0 ? [] : [`Of the usual tools it has: ${tools.join(', ')}.`]),
    ...listed('The newest commits:', all('commit')),
    ...(has_setup ? listed(LEFT_BY_SETUP, all('change'), Number(all('changes')[0])) : []),
  ];
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

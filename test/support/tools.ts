import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Shell } from '../../agent-container/shell/shell.ts';
import { Secrets } from '../../agent-container/base/secrets.ts';
import { TOOLS } from '../../agent-container/tools/all.ts';
import type { ContentBlock } from '../../agent-container/model/message.ts';
import type { ToolResult } from '../../agent-container/tools/tool.ts';
import type { Delta, WorkerEvent } from '../../protocol/events.ts';
import { TestMessages } from './agent-work.ts';
import { temporaryFolder } from './folder.ts';

const WAITS = { message_wait_ms: 60_000, question_ms: 60_000, parks: false };

/**
 * A repository with these files, and the agent's tools on it. `secret_env`: the project's secrets. `use` returns a
 * tool's result as text; errors start with `ERROR: `.
 */
export async function toolbox(
  t: ExecutionContext,
  files: Record<string, string | Uint8Array> = {},
  secret_env: Record<string, string> = {},
) {
  const folder = await temporaryFolder(t);
  const [repo_dir, scratch_dir] = [join(folder, 'repo'), join(folder, 'scratch')];
  await Promise.all([mkdir(repo_dir), mkdir(scratch_dir)]);
  /** A test adds those that it makes. */
  const [other_dirs, read_dirs]: [string[], string[]] = [[], []];
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(repo_dir, path)), { recursive: true });
    await writeFile(join(repo_dir, path), content);
  }
  const abort = new AbortController();
  const { signal } = abort;
  const secrets = new Secrets({ env: secret_env });
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder };
  const make = (path: string) => {
    const options = { repo_dir, scratch_dir, secrets, label: 'command', signal };
    const shell = new Shell({ ...options, env: { ...env, PATH: path } });
    t.teardown(() => shell.close());
    return shell;
  };
  const events: WorkerEvent[] = [];
  const deltas: Delta[] = [];
  const messages = new TestMessages();
  const report = {
    emit: async (event: WorkerEvent) => void events.push(event),
    delta: (delta: Delta) => void deltas.push(delta),
    waitingFor: () => undefined,
    activity: () => undefined,
  };
  const context = {
    ref: 'toolu_1',
    repo_dir,
    other_dirs,
    scratch_dir,
    read_dirs,
    secrets,
    report,
    messages,
    ...WAITS,
    signal,
  };
  let shell = make(env.PATH);
  const call = (name: string, input: unknown): Promise<ToolResult> => {
    const tool = TOOLS.find((tool) => tool.name === name);
    if (!tool) throw new Error(`There is no tool ${name}.`);
    return tool.run(input, { ...context, shell });
  };
  const use = async (name: string, input: unknown): Promise<string> => {
    const { content, is_error } = await call(name, input);
    return `${is_error ? 'ERROR: ' : ''}${content.map(shown).join('\n')}`;
  };
  /** Sets the PATH of the shell. */
  const setPath = (path: string) => void (shell = make(path));
  return { folder, repo_dir, other_dirs, read_dirs, scratch_dir, abort, events, deltas, messages, call, use, setPath };
}

function shown({ type, text }: ContentBlock): string {
  return typeof text === 'string' ? text : type;
}

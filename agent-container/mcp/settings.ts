import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readText, realPathInside } from '../tools/repository-text.ts';

/** Where repositories name their MCP servers, as Claude Code has it: https://code.claude.com/docs/en/mcp */
const MCP_FILE = '.mcp.json';
/** Of each repository. */
const SERVERS_MAX = 20;
/** `${NAME}`, or `${NAME:-what stands for it where it is not set}`. */
const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

const Texts = z.record(z.string(), z.string());
/** A program that speaks over its standard input and output. `env`: beside the environment of commands. */
const Program = z.object({
  type: z.literal('stdio').default('stdio'),
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  env: Texts.default({}),
});
/** A service. `sse` is what the protocol had before. */
const Service = z.object({
  type: z.enum(['http', 'sse']).default('http'),
  url: z.url({ protocol: /^https?$/ }),
  headers: Texts.default({}),
});
const File = z.object({ mcpServers: z.record(z.string(), z.looseObject({ disabled: z.boolean().optional() })) });

/** How a server is reached. A program starts in `dir`, the repository that names it. */
export type ServerSettings = { name: string; dir: string } & (z.infer<typeof Program> | z.infer<typeof Service>);

/** `faults`: what of it cannot be used, in sentences. */
export type ReadServers = { servers: ServerSettings[]; faults: string[] };

/**
 * The servers that the repositories in these folders name in `.mcp.json`. `env` has the variables that the file may
 * name. Of servers with the same name the first counts. Never rejects.
 */
export async function readServers(dirs: readonly string[], env: Record<string, string>): Promise<ReadServers> {
  const read: ReadServers = { servers: [], faults: [] };
  for (const dir of dirs) {
    const root = await realpath(dir).catch(() => dir);
    const real = await realPathInside(root, join(root, MCP_FILE));
    const text = real === undefined ? undefined : await readText(real);
    if (text !== undefined) addServers(read, text, { dir, env });
  }
  return read;
}

type Place = { dir: string; env: Record<string, string> };

function addServers({ servers, faults }: ReadServers, text: string, place: Place): void {
  const file = File.safeParse(parseJson(text)).data;
  if (file === undefined) {
    faults.push(`${MCP_FILE} cannot be used: it has to be JSON, an object with the servers in "mcpServers".`);
    return;
  }
  const named = Object.entries(file.mcpServers).filter(([, given]) => given.disabled !== true);
  for (const [name, given] of named.slice(0, SERVERS_MAX)) {
    if (servers.some((server) => server.name === name)) continue;
    const server = serverOf(name, given, place);
    if (typeof server === 'string') faults.push(`The MCP server ${name} in ${MCP_FILE} cannot be used: ${server}`);
    else servers.push(server);
  }
  if (named.length > SERVERS_MAX)
    faults.push(`${MCP_FILE} names over ${SERVERS_MAX} MCP servers: the rest is left out.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

/** The settings of a server, or what is wrong with them. */
function serverOf(name: string, given: Record<string, unknown>, { dir, env }: Place): ServerSettings | string {
  const missing = new Set<string>();
  const fill = (text: string) =>
    text.replace(VARIABLE, (_, variable: string, otherwise?: string) => {
      const value = env[variable] ?? otherwise;
      if (value === undefined) missing.add(variable);
      return value ?? '';
    });
  const filled: unknown = JSON.parse(JSON.stringify(given), (_, value: unknown) =>
    typeof value === 'string' ? fill(value) : value,
  );
  if (missing.size > 0) return `it names ${[...missing].join(', ')}, which is no variable of the project.`;
  const parsed = given['url'] === undefined ? Program.safeParse(filled) : Service.safeParse(filled);
  if (parsed.success) return { name, dir, ...parsed.data };
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}.`;
}

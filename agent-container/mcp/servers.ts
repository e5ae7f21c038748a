import { cutMiddle } from '../base/head-and-tail.ts';
import { whileCommand } from '../base/progress.ts';
import type { Secrets } from '../base/secrets.ts';
import { within } from '../base/within.ts';
import type { ProgressReporter } from '../base/work.ts';
import type { Shell } from '../shell/shell.ts';
import type { Tool } from '../tools/tool.ts';
import { McpServer, START_MS } from './server.ts';
import { readServers } from './settings.ts';
import { toolOf } from './tools-of.ts';

/** All tools are part of each request: the model pays for them, and reads them. */
const TOOLS_MAX = 100;
const SPECS_CHARS_MAX = 100_000;
const INSTRUCTIONS_CHARS_MAX = 4_000;
const FAULT_CHARS_MAX = 4_000;
/** How many of those that are left out are named. */
const NAMED_MAX = 10;
const CLOSE_MS = 1_000;

type Options = {
  /** The repositories. */
  dirs: readonly string[];
  /** Whose variables, PATH and network the servers get. */
  shell: Shell;
  secrets: Secrets;
  report: ProgressReporter;
  signal: AbortSignal;
};

export type Started = {
  tools: Tool[];
  /** What the servers say about the use of their tools, for the model; null: nothing. */
  instructions: string | null;
  /** Which were started, for the person; null: none. */
  started: string | null;
  /** What cannot be used, in sentences. */
  faults: string[];
};

/** The MCP servers that the repositories name in `.mcp.json`. */
export class McpServers {
  readonly #options: Options;
  #servers: McpServer[] = [];

  constructor(options: Options) {
    this.#options = options;
  }

  /** Starts them side by side. What cannot be used costs only itself. Rejects with the signal's reason. */
  async start(): Promise<Started> {
    const { dirs, shell, secrets, report, signal } = this.#options;
    const { servers, faults } = await readServers(dirs, shell.env);
    this.#servers = servers.map((settings) => new McpServer({ settings, shell, secrets, signal }));
    if (this.#servers.length === 0) return { tools: [], instructions: null, started: null, faults: faults.map(cut) };
    const names = this.#servers.map(({ name }) => name).join(', ');
    const found = await whileCommand(report, `MCP: ${names}`, START_MS, () => Promise.all(this.#servers.map(open)));
    signal.throwIfAborted();
    const begun = found.filter(({ fault }) => fault === null);
    const { chosen, left_out } = choose(begun.flatMap(({ tools }) => tools));
    left_out.push(...begun.flatMap((one) => one.left_out));
    const texts = begun.filter(({ instructions }) => instructions.trim() !== '');
    const instructions = texts.map(({ name, instructions }) => `<server name="${name}">\n${instructions}\n</server>`);
    return {
      tools: chosen.map((tool) => ({ ...tool, description: secrets.redact(tool.description) })),
      instructions: texts.length === 0 ? null : secrets.redact(instructions.join('\n')),
      started: begun.length === 0 ? null : `MCP servers with their tools: ${begun.map(inShort).join(', ')}.`,
      faults: [...faults, ...found.flatMap(({ fault }) => fault ?? []), ...describeLeftOut(left_out)].map(cut),
    };
  }

  /** Closes the connections. Never rejects. The programs have ended with the shell. */
  async close(): Promise<void> {
    await within(CLOSE_MS, Promise.all(this.#servers.map((server) => server.close())));
  }
}

/** A server that was started, or why it was not. */
type Found = { name: string; tools: Tool[]; left_out: string[]; instructions: string; fault: string | null };

/** Never rejects. */
async function open(server: McpServer): Promise<Found> {
  const { name } = server;
  try {
    const { tools, instructions } = await server.open();
    const made = await Promise.all(tools.slice(0, TOOLS_MAX).map((tool) => toolOf(server, tool)));
    const left_out = tools.slice(TOOLS_MAX).map((tool) => tool.name);
    return { name, tools: made, left_out, instructions: instructions.slice(0, INSTRUCTIONS_CHARS_MAX), fault: null };
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    return { name, tools: [], left_out: [], instructions: '', fault };
  }
}

const cut = (fault: string): string => cutMiddle(fault, FAULT_CHARS_MAX);

const inShort = ({ name, tools }: Found): string => `${name} (${tools.length})`;

function describeLeftOut(names: string[]): string[] {
  if (names.length === 0) return [];
  const shown = names.slice(0, NAMED_MAX).join(', ') + (names.length > NAMED_MAX ? ', …' : '');
  return [`${names.length} tools of MCP servers are left out, as there are too many, or two of one name: ${shown}.`];
}

/** The tools that a request has room for, each name once. */
function choose(tools: Tool[]): { chosen: Tool[]; left_out: string[] } {
  const names = new Set<string>();
  const [chosen, left_out]: [Tool[], string[]] = [[], []];
  let chars = 0;
  for (const tool of tools) {
    const { name, description, input_schema } = tool;
    const size = JSON.stringify({ name, description, input_schema }).length;
    if (chosen.length === TOOLS_MAX || chars + size > SPECS_CHARS_MAX || names.has(name)) left_out.push(name);
    else {
      names.add(name);
      chars += size;
      chosen.push(tool);
    }
  }
  return { chosen, left_out };
}

import type { CallToolResult, Client, Tool as ListedTool } from '@modelcontextprotocol/client';
import type { Secrets } from '../base/secrets.ts';
import type { Shell } from '../shell/shell.ts';
import { ToolError } from '../tools/tool.ts';
import type { ServerSettings } from './settings.ts';
import { openTransport, type Opened } from './transport.ts';

/** Many are fetched by a package manager when they are first started. */
export const START_MS = 30_000;
/** How long a call may take without a word of progress, and in all. */
const CALL_MS = 5 * 60_000;
export const CALL_TOTAL_MS = 30 * 60_000;

type Options = { settings: ServerSettings; shell: Shell; secrets: Secrets; signal: AbortSignal };
type Connection = { client: Client; opened: Opened };
export type Call = { name: string; input: Record<string, unknown>; onProgress: () => void; signal: AbortSignal };

/** An MCP server. One that has ended is started again by the next call. */
export class McpServer {
  readonly #options: Options;
  #connection: Promise<Connection> | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.settings.name;
  }

  /** Starts it; resolves with its tools, and what it says about their use. Rejects with `ToolError`. */
  async open(): Promise<{ tools: ListedTool[]; instructions: string }> {
    const { signal } = this.#options;
    return this.#use('list its tools', async (client) => {
      const { tools } = await client.listTools({}, { timeout: START_MS, signal });
      return { tools, instructions: client.getInstructions() ?? '' };
    });
  }

  /** Calls a tool. Rejects with `ToolError`, or with the signal's reason. */
  async call({ name, input, onProgress, signal }: Call): Promise<CallToolResult> {
    const limits = { timeout: CALL_MS, resetTimeoutOnProgress: true, maxTotalTimeout: CALL_TOTAL_MS };
    return this.#use(`run ${name}`, (client) =>
      client.callTool({ name, arguments: input }, { ...limits, onprogress: onProgress, signal }),
    );
  }

  /** Ends it. Never rejects. */
  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined);
    await closed(connection);
  }

  async #connected(): Promise<Connection> {
    const before = this.#connection;
    const open = await before?.catch(() => undefined);
    // One that was closed has none.
    if (open?.client.transport !== undefined) return open;
    // Of several calls at once the first starts it.
    if (this.#connection === undefined || this.#connection === before) this.#connection = this.#connect();
    return this.#connection;
  }

  async #connect(): Promise<Connection> {
    const { settings, shell, signal } = this.#options;
    const { Client } = await import('@modelcontextprotocol/client');
    const opened = await openTransport(settings, shell);
    const client = new Client({ name: 'errand', version: '1' });
    try {
      await client.connect(opened.transport, { timeout: START_MS, signal });
      return { client, opened };
    } catch (error) {
      await closed({ client, opened });
      throw this.#fault('be started', error, opened);
    }
  }

  /** `what`: what it is used for, as in "could not list its tools". */
  async #use<T>(what: string, act: (client: Client) => Promise<T>): Promise<T> {
    const { client, opened } = await this.#connected();
    try {
      return await act(client);
    } catch (error) {
      throw this.#fault(what, error, opened);
    }
  }

  /** What went wrong, for the model and the person. */
  #fault(what: string, error: unknown, { lastWords }: Opened): unknown {
    const { secrets, signal } = this.#options;
    signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    const words = lastWords().trim();
    const text = `The MCP server ${this.name} could not ${what}: ${why}${words === '' ? '' : `\nIt wrote:\n${words}`}`;
    return new ToolError(secrets.redact(text), { cause: error });
  }
}

async function closed(connection: Connection | undefined): Promise<void> {
  await connection?.client.close().catch(() => undefined);
  await connection?.opened.dispose().catch(() => undefined);
}

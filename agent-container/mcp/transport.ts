import type { Transport } from '@modelcontextprotocol/client';
import { EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';
import type { Shell } from '../shell/shell.ts';
import type { ServerSettings } from './settings.ts';

/** Of a message of a program, and of an answer of a service. */
const MESSAGE_BYTES_MAX = 10 * 1024 * 1024;
const LAST_WORDS_CHARS = 2_000;

/** `lastWords`: the end of what a program wrote to its stderr. `dispose`: after the transport was closed. */
export type Opened = { transport: Transport; lastWords: () => string; dispose: () => Promise<void> };

/**
 * The way to a server, which is not connected yet. A program starts as a command of this shell would, and ends with it
 * at the latest; a service is reached as commands reach the network.
 */
export function openTransport(settings: ServerSettings, shell: Shell): Promise<Opened> {
  return settings.type === 'stdio' ? openProgram(settings, shell) : openService(settings, shell);
}

type Of<T extends ServerSettings['type']> = Extract<ServerSettings, { type: T }>;

async function openProgram({ command, args, env, dir }: Of<'stdio'>, shell: Shell): Promise<Opened> {
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
  const program = shell.program(command, args, env);
  const transport = new StdioClientTransport({
    command: program.file,
    args: program.args,
    env: program.env,
    cwd: dir,
    stderr: 'pipe',
    maxBufferSize: MESSAGE_BYTES_MAX,
  });
  let last = '';
  transport.stderr?.on('data', (bytes: Buffer) => {
    last = (last + bytes.toString()).slice(-LAST_WORDS_CHARS);
  });
  return { transport, lastWords: () => last, dispose: async () => {} };
}

async function openService({ type, url, headers }: Of<'http' | 'sse'>, shell: Shell): Promise<Opened> {
  const { SSEClientTransport, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const { HTTPS_PROXY, NO_PROXY } = shell.env;
  const dispatcher = new EnvHttpProxyAgent({
    ...(HTTPS_PROXY !== undefined && { httpsProxy: HTTPS_PROXY }),
    ...(NO_PROXY !== undefined && { noProxy: NO_PROXY }),
    maxResponseSize: MESSAGE_BYTES_MAX,
    // Each call has a time limit of its own.
    bodyTimeout: 0,
  });
  // Node types the global `fetch`, undici types this one: two declarations of the same interface.
  const fetch = (input: Parameters<typeof undiciFetch>[0], init?: Parameters<typeof undiciFetch>[1]) =>
    undiciFetch(input, { ...init, dispatcher });
  const options = { requestInit: { headers }, fetch: fetch as unknown as typeof globalThis.fetch };
  const transport =
    type === 'sse'
      ? new SSEClientTransport(new URL(url), options)
      : new StreamableHTTPClientTransport(new URL(url), options);
  return { transport, lastWords: () => '', dispose: () => dispatcher.destroy() };
}

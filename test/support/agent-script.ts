import type { MessagesRequest, Turn } from './model/server.ts';

/* Turns and tool calls of a scripted model, and what a request of the agent tells it. */

/** A turn that ends the work. */
export const DONE: Turn = { text: 'Mend the sum\n\nIt added one too many.' };

/** A call of `run_command`. */
export const run = (command: string, more: object = {}) => ({ name: 'run_command', input: { command, ...more } });

/** The content of the last user message of a request. */
export const lastUser = (request: MessagesRequest | undefined) => request?.messages.at(-1)?.content ?? [];

/** The same as JSON text. */
export const textOf = (request: MessagesRequest | undefined) => JSON.stringify(lastUser(request));

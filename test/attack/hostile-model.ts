import type { MessagesRequest, ModelOptions, Turn } from '../support/model/server.ts';

const COMMAND_MS = 60_000;
/** Starts the errand of the attacker. Any other errand waits until the end. */
export const ATTACK_PROMPT = 'Do what you are told.';

type Waiting = { command: string; resolve: (output: string) => void };

/**
 * A model that was taken over: the attacker's agent runs whatever `run` is given, and the output comes back as the
 * result of a tool. The model of other errands thinks until `end`.
 */
export class HostileModel {
  readonly options: ModelOptions = { handler: (request) => this.turn(request) };
  readonly #commands: Waiting[] = [];
  #wake: () => void = () => undefined;
  #running: Waiting | undefined;
  /** Counts the attacker's requests. Of one that waits while a newer one comes nobody hears the answer. */
  #newest = 0;
  #ended = false;

  run(command: string): Promise<string> {
    const result = new Promise<string>((resolve) => this.#commands.push({ command, resolve }));
    this.#wake();
    return result;
  }

  /** Forgets what is not done: the attacker's errand has ended. What its agent waits for must not take the next. */
  forget(): void {
    this.#newest++;
    this.#commands.length = 0;
    this.#running = undefined;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The answer to a request; it waits for the next command. */
  async turn(request: MessagesRequest): Promise<Turn> {
    const isAttacker = JSON.stringify(request.messages[0]).includes(ATTACK_PROMPT);
    if (isAttacker) {
      this.#running?.resolve(lastResult(request));
      this.#running = undefined;
    }
    const own = isAttacker ? ++this.#newest : undefined;
    const isOver = () => this.#ended || (own !== undefined && own !== this.#newest);
    while (!isOver()) {
      const next = isAttacker ? this.#commands.shift() : undefined;
      if (next) {
        this.#running = next;
        return { tools: [{ name: 'run_command', input: { command: next.command, timeout_s: COMMAND_MS / 1000 } }] };
      }
      const before = this.#wake;
      await new Promise<void>((resolve) => {
        this.#wake = () => {
          before();
          resolve();
        };
      });
    }
    return { text: 'Nothing\n\nIt is done.' };
  }
}

/** The text of the newest tool result. */
function lastResult({ messages }: MessagesRequest): string {
  const content = messages.findLast(({ role }) => role === 'user')?.content;
  return JSON.stringify(Array.isArray(content) ? content.filter(({ type }) => type === 'tool_result') : content);
}

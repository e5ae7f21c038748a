import { cutMiddle } from '../base/head-and-tail.ts';
import type { CommandOutput } from './command-output.ts';
import { describeExit, type Group, type GroupExit } from './process-group.ts';

const BACKGROUND_MAX = 16;
const NOTICE_CHARS_MAX = 4_000;

export type BackgroundCommand = {
  id: string;
  output: Pick<CommandOutput, 'log' | 'text'>;
  /** Resolves once the command has ended and its output is written; with undefined if it was aborted. */
  finished: Promise<GroupExit | undefined>;
  /** Whether the model knows that it has ended. */
  is_told: boolean;
};

type Entry = BackgroundCommand & {
  group: Group;
  exit: GroupExit | undefined;
  is_running: boolean;
  /** Whether the model knows that it has ended its turn while the command runs. */
  is_named: boolean;
};

/** The commands of a shell that run in the background. */
export class BackgroundCommands {
  readonly #entries = new Map<string, Entry>();

  /** Whether a further command may run. */
  get has_room(): boolean {
    return this.running.length < BACKGROUND_MAX;
  }

  /** Throws if no further command may run. */
  requireRoom(): void {
    if (!this.has_room)
      throw new Error(`${BACKGROUND_MAX} commands run in the background already. Stop one with stop_command.`);
  }

  /** The commands that run. */
  get running(): Pick<BackgroundCommand, 'id' | 'output'>[] {
    return [...this.#entries.values()].filter(({ is_running }) => is_running);
  }

  /** What the model should know of commands that have ended by themselves. Each is told once. */
  takeNotices(): string[] {
    return [...this.#entries.values()].flatMap((entry) => {
      const { id, exit, output } = entry;
      if (exit === undefined || entry.is_told) return [];
      entry.is_told = true;
      const shown = cutMiddle(output.text.trim(), NOTICE_CHARS_MAX) || '(no output)';
      return [`The background command ${id} has ended (${describeExit(exit)}). Its output${inLog(output)}:\n${shown}`];
    });
  }

  /** The ids of the commands that still run. Each is told once. */
  takeUnfinished(): string[] {
    return [...this.#entries.values()].flatMap((entry) => {
      if (!entry.is_running || entry.is_named) return [];
      entry.is_named = true;
      return [entry.id];
    });
  }

  /** Takes over a command that was just started. Its output ends with a line that says how it ended. */
  add(id: string, group: Group, output: CommandOutput): BackgroundCommand {
    const finish = async () => {
      const exit = await group.exited.catch(() => undefined);
      entry.is_running = false;
      await output.close(exit && `\n[${describeExit(exit)}]\n`);
      entry.exit = exit;
      return exit;
    };
    const state = { exit: undefined, is_running: true, is_named: false, is_told: false };
    const entry: Entry = { id, group, output, ...state, finished: finish() };
    this.#entries.set(id, entry);
    return entry;
  }

  /** Ends a command. Undefined if there is none with this id. */
  async stop(id: string): Promise<(Pick<BackgroundCommand, 'output'> & { was_running: boolean }) | undefined> {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    const was_running = entry.is_running;
    entry.is_told = true;
    await entry.group.end();
    await entry.finished;
    return { output: entry.output, was_running };
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((id) => this.stop(id)));
  }
}

/** Says where a whole output is, behind the word for it. */
export const inLog = ({ log }: Pick<CommandOutput, 'log'>): string => (log === null ? '' : `, in ${log}`);

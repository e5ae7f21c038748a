import { linkSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NumberedEvent } from '../../protocol/events.ts';

const LOOK_MS = 20;
/** Its folder among the workspaces: on the same disk as what it names; to the coordinator it is none. */
export const WITNESS = 'witness';

/**
 * Keeps what the workers of a data folder write down of their events, independently of the coordinator: every segment of every spool gets a
 * second name as soon as it is there, and so outlives its removal by the worker.
 */
export class Witness {
  readonly #workspaces: string;
  readonly #kept: string;
  readonly #timer: NodeJS.Timeout;

  constructor(data_dir: string) {
    this.#workspaces = join(data_dir, 'workspaces');
    this.#kept = join(this.#workspaces, WITNESS);
    mkdirSync(this.#kept, { recursive: true });
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#look();
  }

  /** The events that the workers of an attempt made, in the order of their numbers. */
  eventsOf(task_id: string, attempt: number): NumberedEvent[] {
    const dir = join(this.#kept, `${task_id}-${attempt}`);
    const lines = namesIn(dir)
      .sort()
      .flatMap((name) => readFileSync(join(dir, name), 'utf8').split('\n').slice(0, -1));
    const by_seq = new Map(
      lines.map((line) => NumberedEvent.parse(JSON.parse(line))).map((event) => [event.seq, event]),
    );
    return [...by_seq.values()].sort((a, b) => a.seq - b.seq);
  }

  #look(): void {
    for (const workspace of namesIn(this.#workspaces)) {
      const spools = join(this.#workspaces, workspace, 'spool');
      for (const attempt of namesIn(spools))
        for (const segment of namesIn(join(spools, attempt)).filter((name) => name.endsWith('.jsonl')))
          this.#keep(join(spools, attempt, segment), join(this.#kept, attempt), segment);
    }
  }

  #keep(path: string, dir: string, name: string): void {
    try {
      mkdirSync(dir, { recursive: true });
      linkSync(path, join(dir, name));
    } catch {
      // It has its second name already, or went in this moment.
    }
  }
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

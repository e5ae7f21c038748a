import { linkSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NumberedEvent } from '../../protocol/events.ts';

const LOOK_MS = 20;
/** Its folder among the workspaces, so that hard links work; the coordinator does not count it as a workspace. */
export const WITNESS = 'witness';

/**
 * Keeps the events that workers spool, independently of the coordinator: it hard-links every spool segment as soon as
 * it exists, so that the events outlive the worker's removal of the segment.
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

  /** The events that an attempt's workers spooled, by `seq`. */
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
      // Already linked, or just removed.
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

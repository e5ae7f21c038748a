import { LIMITS } from '../../protocol/limits.ts';

/** What the screens of devices show, as the devices say themselves. Times are milliseconds since 1970. */
export class Presence {
  readonly #shown = new Map<string, { task_id: string; at: number }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The device shows this errand from now on; null: none. It has to say so again and again. */
  put(channel_id: string, task_id: string | null): void {
    this.#shown.delete(channel_id);
    if (task_id !== null) this.#shown.set(channel_id, { task_id, at: this.#now() });
    for (const [oldest, { at }] of this.#shown) {
      if (this.#now() - at <= LIMITS.presence_ms) break;
      this.#shown.delete(oldest);
    }
  }

  /**
   * Whether a device needs to be told of an errand; null: of something else. `seen`: it said that it shows it, after
   * what it would be told of. A number: it showed the errand a moment ago, so wait until then, in case that it still
   * does.
   */
  of(channel_id: string, task_id: string | null, since: number): 'tell' | 'seen' | { until: number } {
    const shown = this.#shown.get(channel_id);
    if (shown?.task_id !== task_id) return 'tell';
    const until = shown.at + LIMITS.presence_ms;
    if (this.#now() >= until) return 'tell';
    return shown.at > since ? 'seen' : { until };
  }
}

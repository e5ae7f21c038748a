import type { TaskChange } from '../../protocol/task.ts';
import type { ServerFrame } from '../../protocol/socket.ts';
import { TestClient } from './test-client.ts';

/** Whether a frame confirms a subscription of this scope. */
export function confirms(frame: ServerFrame, scope: 'tasks' | 'log', task_id?: string): boolean {
  return frame.type === 'caught_up' && frame.scope === scope && frame.task_id === task_id;
}

/** A phone: what it knows of all tasks from the light feed alone, over as many connections as it takes. */
export class LightClient {
  readonly #url: string;
  readonly #user_id: string;
  readonly tasks = new Map<string, TaskChange>();
  cursor = 0;
  client!: TestClient;
  #read = 0;

  constructor(url: string, user_id: string) {
    this.#url = url;
    this.#user_id = user_id;
  }

  async connect(): Promise<void> {
    this.client = new TestClient(this.#url, this.#user_id);
    this.#read = 0;
    await this.client.until(() => this.client.of('hello').length === 1);
    this.client.say({ type: 'subscribe', scope: 'tasks', after: this.cursor });
  }

  async caughtUp(): Promise<void> {
    await this.client.until(() => this.client.frames.some((frame) => confirms(frame, 'tasks')));
    this.take();
  }

  /** Applies the frames that have come, as the contract says. */
  take(): void {
    for (const frame of this.client.frames.slice(this.#read)) {
      if (frame.type === 'start_over') this.tasks.clear();
      if (frame.type === 'removed') for (const id of frame.task_ids) this.tasks.delete(id);
      if (frame.type === 'tasks') for (const task of frame.tasks) this.#merge(task);
      if (frame.type === 'tasks' || confirms(frame, 'tasks')) this.cursor = 'cursor' in frame ? frame.cursor : 0;
    }
    this.#read = this.client.frames.length;
  }

  /** A change of a task whose whole is still to come means nothing yet. */
  #merge(task: TaskChange): void {
    const known = this.tasks.get(task.id);
    if (known || task.prompt !== undefined) this.tasks.set(task.id, { ...known, ...task });
  }
}

import { containerOptions, INSIDE } from '../container-args.ts';
import { shellQuote } from '../shell-quote.ts';
import { COORDINATOR_SOCKET } from '../../../protocol/worker.ts';
import type { MockFolders } from './folders.ts';
import type { MockCoordinator } from './mock.ts';
import type { MockTask } from './task.ts';

type Start = { mock: MockCoordinator; task: MockTask; folders: MockFolders };

/** The shell command that starts a worker as a process. `command`: the worker's own command line. */
export function processLine({ mock, task, folders }: Start, command: string): string {
  const env = {
    ERRAND_COORDINATOR: mock.origin,
    ...taskOf(task),
    ERRAND_WORKSPACE: folders.workspace_dir,
    HOME: `${folders.workspace_dir}/home`,
  };
  const words = Object.entries(env).map(([name, value]) => `${name}=${shellQuote(value)}`);
  return lines([...words, command]);
}

/** The shell command that starts a worker in a container of this image. */
export function containerLine({ task, folders }: Start, image: string): string {
  const env = {
    ERRAND_COORDINATOR: `unix:${INSIDE.coordinator_dir}/${COORDINATOR_SOCKET}`,
    ...taskOf(task),
    ERRAND_WORKSPACE: INSIDE.workspace_dir,
    HOME: `${INSIDE.workspace_dir}/home`,
  };
  const { coordinator_dir, workspace_dir } = folders;
  const groups = containerOptions({ coordinator_dir, workspace_dir }, env);
  return lines(['docker run', ...groups.map((words) => words.map(shellQuote).join(' ')), shellQuote(image)]);
}

const taskOf = ({ id, token }: MockTask) => ({ ERRAND_TASK_ID: id, ERRAND_TASK_TOKEN: token });

const lines = (parts: string[]) => parts.map((part) => `  ${part}`).join(' \\\n');

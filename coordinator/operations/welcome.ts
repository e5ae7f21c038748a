import { SAMPLE_REPO_URL, type RunnerName } from '../../protocol/task.ts';

type Welcome = { url: string; runner: string; demo: boolean; has_owner: boolean };

/** Where each runner of this server puts its workers. */
const WORKERS: Record<RunnerName, string> = {
  docker: 'containers without a network',
  process: 'processes of this machine, without isolation',
};

/** The first lines that a server prints: where to go, and what to type. */
export function welcome({ url, runner, demo, has_owner }: Welcome): string[] {
  const model = demo ? 'the demo model, for there is no ANTHROPIC_API_KEY' : 'Claude';
  return [
    `Errand is ready: ${url}`,
    `  model    ${model}`,
    `  workers  ${WORKERS[runner] ?? `by the runner '${runner}'`}`,
    'In another terminal:',
    `  npx errand login --server ${url}${has_owner ? '' : ' --signup'}`,
    `  npx errand task "Make the tests pass" --repo ${SAMPLE_REPO_URL} --follow`,
  ];
}

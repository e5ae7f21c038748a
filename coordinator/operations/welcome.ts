import { SAMPLE_REPO_URL, type RunnerName } from '../../protocol/task.ts';

type Welcome = { url: string; runner: string; demo: boolean; has_owner: boolean };

/** How each runner runs its workers. */
const WORKERS: Record<RunnerName, string> = {
  docker: 'containers without a network',
  process: 'processes of this machine, without isolation',
};

/** The first lines that a server prints: its address and the first commands. */
export function welcome({ url, runner, demo, has_owner }: Welcome): string[] {
  const model = demo ? 'the demo model, since ANTHROPIC_API_KEY is not set' : 'Claude';
  return [
    `Errand is ready: ${url}`,
    `  model    ${model}`,
    `  workers  ${WORKERS[runner] ?? `by the runner '${runner}'`}`,
    'In another terminal:',
    `  npx errand login --server ${url}${has_owner ? '' : ' --signup'}`,
    `  npx errand task "Make the tests pass" --repo ${SAMPLE_REPO_URL} --follow`,
  ];
}

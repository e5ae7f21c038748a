import { SAMPLE_REPO_URL } from '../../protocol/task.ts';

type Welcome = { url: string; runner: string; demo: boolean; has_owner: boolean };

/** The first lines that a server prints: where to go, and what to type. */
export function welcome({ url, runner, demo, has_owner }: Welcome): string[] {
  const worker = runner === 'docker' ? 'containers without a network' : 'processes of this machine, without isolation';
  const model = demo ? 'the demo model, for there is no ANTHROPIC_API_KEY' : 'Claude';
  return [
    `Errand is ready: ${url}`,
    `  model    ${model}`,
    `  workers  ${worker}`,
    'In another terminal:',
    `  npx errand login --server ${url}${has_owner ? '' : ' --signup'}`,
    `  npx errand task "Make the tests pass" --repo ${SAMPLE_REPO_URL} --follow`,
  ];
}

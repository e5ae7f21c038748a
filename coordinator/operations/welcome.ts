import { isLoopback } from '../base/config.ts';
import { setupLink } from '../auth/setup-code.ts';
import { SAMPLE_REPO_URL, type RunnerName } from '../../protocol/task.ts';

type Welcome = {
  url: string;
  runner: string;
  demo: boolean;
  setup_code: string | undefined;
  /** Draws a text as a QR code, in lines. */
  qr: (text: string) => string[];
};

/** How each runner runs its workers. */
const WORKERS: Record<RunnerName, string> = {
  docker: 'containers without a network',
  process: 'processes of this machine, without isolation',
};

/** The first lines that a server prints: its address and the first commands. */
export function welcome({ url, runner, demo, setup_code, qr }: Welcome): string[] {
  const model = demo ? 'the demo model, since ANTHROPIC_API_KEY is not set' : 'Claude';
  return [
    `Errand is ready: ${url}`,
    `  model    ${model}`,
    `  workers  ${WORKERS[runner] ?? `by the runner '${runner}'`}`,
    ...(setup_code === undefined
      ? ['In another terminal:', `  npx errand login --server ${url}`]
      : [
          'In another terminal: the first account owns this server, and the link works for it alone.',
          `  npx errand signup ${setupLink(url, setup_code)}`,
          ...forPhone(url, () => qr(setupLink(url, setup_code))),
        ]),
    `  npx errand task "Make the tests pass" --repo ${SAMPLE_REPO_URL} --follow`,
  ];
}

/** The same link for a phone's camera, where a phone can reach the server. */
function forPhone(url: string, draw: () => string[]): string[] {
  const local = isLoopback(new URL(url).hostname.replace(/[[\]]/g, ''));
  if (local) return ['A phone cannot reach that address: see "TLS" in coordinator/README.md.'];
  return ['Or with a phone:', ...draw()];
}

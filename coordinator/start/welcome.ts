import { isLoopback } from '../base/config.ts';
import { setupLink } from '../auth/setup-code.ts';
import type { Line } from '../cli/render/line.ts';
import { SAMPLE_REPO_URL, type RunnerName } from '../../protocol/task.ts';

type Welcome = {
  url: string;
  /** Where other devices reach the server, if not at `url`. */
  elsewhere: readonly string[];
  runner: string;
  demo: boolean;
  setup_code: string | undefined;
  /** Draws a text as a QR code. */
  qr: (text: string) => Line[];
};

/** How each runner runs its workers. */
const WORKERS: Record<RunnerName, string> = {
  docker: 'containers without a network',
  process: 'processes of this machine, without isolation',
};

/** The first lines that a server prints: its addresses and the first commands. */
export function welcome({ url, elsewhere, runner, demo, setup_code, qr }: Welcome): Line[] {
  const model = demo ? 'the demo model: ANTHROPIC_API_KEY is not set' : 'Claude';
  return [
    ['Errand is ready: ', ['bold', url]],
    ...elsewhere.map((address, i): Line => [`  ${i === 0 ? 'network ' : '        '} ${address}`]),
    [`  model    ${model}`],
    [`  workers  ${WORKERS[runner] ?? `by the runner '${runner}'`}`],
    ...(setup_code === undefined
      ? [['In another terminal:'], command(`npx errand login --server ${url}`)]
      : [
          ['In another terminal: the first account owns this server, and the link works for it alone.'],
          command(`npx errand signup ${setupLink(url, setup_code)}`),
          ...forPhone(
            (elsewhere.length > 0 ? elsewhere : [url]).map((address) => setupLink(address, setup_code)),
            qr,
          ),
        ]),
    command(`npx errand task "Make the tests pass" --repo ${SAMPLE_REPO_URL} --follow`),
  ];
}

const command = (text: string): Line => ['  ', ['command', text]];

/** The same link for a phone, where one can reach the server: to type, and the first one for its camera. */
function forPhone(links: string[], qr: Welcome['qr']): Line[] {
  const [first = ''] = links;
  const { protocol, hostname } = new URL(first);
  if (isLoopback(hostname.replace(/[[\]]/g, '')))
    return [['A phone cannot reach that address: see "TLS" in coordinator/README.md.']];
  if (protocol === 'https:') return [['Or with a phone:'], ...qr(first)];
  return [
    ['Or with a phone of the same network:'],
    ...links.map(command),
    ...qr(first),
    ['Without TLS a phone installs no app and shows no notifications: see "TLS" in coordinator/README.md.'],
  ];
}

import { HELP } from './commands.ts';
import { parseOptions } from '../parse-options.ts';
import { CREDENTIAL_OPTIONS, CREDENTIAL_USAGE } from './credential.ts';

const USAGE = `npm run mock-coordinator -- [options]
  --repo PATH_OR_URL     the task's repository (errand://sample)
  --also PATH_OR_URL     a further repository of the task; may be given several times
${CREDENTIAL_USAGE}  --prompt TEXT          the task's prompt
  --base BRANCH          the base branch
  --setup COMMAND        run before the work        --verify COMMAND   run after it
  --model NAME           needs ANTHROPIC_API_KEY; without it the demo model is used
  --command COMMAND      the worker in the printed command line
  --image NAME           the image in the printed docker run (errand-agent)
  --port N               the port on 127.0.0.1 (8788)
  --fail CALL:STATUS[:TIMES] --delay CALL:MS[:TIMES] --cut CALL[:TIMES] --lose CALL[:TIMES] --hang CALL[:TIMES]
  --heartbeat-ms N       the heartbeat interval of the worker (10000)
  --park-after-ms N      after how long without an answer the worker may park (never)
  --all                  also print heartbeats, minor events and streamed text

`;

/** Reads the command line. With `--help` it prints the usage and exits. */
export function readOptions() {
  const values = parseOptions({
    options: {
      ...CREDENTIAL_OPTIONS,
      repo: { type: 'string', default: 'errand://sample' },
      also: { type: 'string', multiple: true, default: [] },
      prompt: { type: 'string', default: 'Make the failing test pass.' },
      base: { type: 'string' },
      setup: { type: 'string' },
      verify: { type: 'string' },
      model: { type: 'string' },
      command: { type: 'string', default: 'npx node agent-container/main.ts' },
      image: { type: 'string', default: 'errand-agent' },
      port: { type: 'string', default: '8788' },
      fail: { type: 'string', multiple: true, default: [] },
      delay: { type: 'string', multiple: true, default: [] },
      cut: { type: 'string', multiple: true, default: [] },
      lose: { type: 'string', multiple: true, default: [] },
      hang: { type: 'string', multiple: true, default: [] },
      'heartbeat-ms': { type: 'string', default: '10000' },
      'park-after-ms': { type: 'string' },
      all: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}${HELP}\n`);
    process.exit(0);
  }
  return values;
}

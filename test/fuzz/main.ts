import { parseArgs } from 'node:util';
import { fuzz, type Outcome } from './parsers/fuzz.ts';

const USAGE = `npm run fuzz -- [options]
  Gives generated inputs to every schema of protocol/ and to every parser of bytes that strangers send. Each must accept
  or refuse, in bounded time, and what it accepts must mean the same once it was written and read again. Inputs that a
  parser takes in a new way are kept and changed further. Prints what came of each; exit code 0: no rule was broken.
  --inputs N   how many inputs in all (100000)
  --seed N     the same seed gives the same inputs (the time of day)
  --only TEXT  only the parsers whose name contains this
`;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

const [inputs, seed] = [Number(values.inputs), Number(values.seed)];
if (!(inputs > 0) || !Number.isInteger(seed)) {
  process.stderr.write('--inputs must be a positive number and --seed a whole number.\n');
  process.exit(2);
}
console.log(`--inputs ${inputs} --seed ${seed}\n`);
const began = performance.now();
const outcomes = await fuzz({ inputs, seed, only: values.only });
const row = ({ name, ...counts }: Outcome) => `| ${name} | ${counts.inputs} | ${counts.accepted} | ${counts.ways} |`;
console.log(['| parser | inputs | accepted | ways |', '|---|---|---|---|', ...outcomes.map(row)].join('\n'));
const total = outcomes.reduce((sum, { inputs: each }) => sum + each, 0);
const seconds = (performance.now() - began) / 1000;
console.log(
  `\n${total} inputs in ${seconds.toFixed(1)} s (${Math.round(total / seconds)} per second). No rule was broken.`,
);

import { parseArgs } from 'node:util';
import type { Verdict } from './attempt.ts';
import { GROUPS } from './attempts/all.ts';
import { attack } from './run.ts';
import { printNeighbours } from './neighbours/print.ts';
import { AttackScene } from './scene.ts';

const USAGE = `npm run attack -- [options]
  Starts Errand with real containers, makes every attempt of a table from inside a worker and from outside, and prints
  how each ended. Exit code 0: all were refused and noticed.
  --only TEXT   only the groups whose name contains this
  --answers     also print what the attacker got
  --neighbours  instead: nine errands go on while one worker does its worst, each thing for --seconds (60). Prints how
                long their people wait from a POST to the socket. Exit code 0: all nine succeeded. It takes root, for a
                disk of its own.
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    answers: { type: 'boolean', default: false },
    neighbours: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

if (values.neighbours) process.exit(await printNeighbours(Number(values.seconds), values.only));

const outcome = ({ refused, noticed }: Verdict) =>
  `${refused ? 'refused' : 'NOT REFUSED'}, ${noticed ? 'noticed' : 'NOT NOTICED'}`;

const scene = await AttackScene.start();
const verdicts: Verdict[] = [];
try {
  const groups = GROUPS.filter(({ from, about }) => `${from}: ${about}`.includes(values.only));
  await attack(scene, groups, (verdict) => {
    if (verdicts.at(-1)?.group !== verdict.group)
      console.log(`\n### From ${verdict.group}\n\n| attempt | outcome |\n|---|---|`);
    verdicts.push(verdict);
    console.log(`| ${verdict.attempt} | ${outcome(verdict)} |`);
    if (values.answers || !verdict.refused) console.log(`    ${verdict.answer.replaceAll('\n', ' ')}`);
  });
} finally {
  await scene.close();
}
const failed = verdicts.filter(({ refused, noticed }) => !refused || !noticed);
console.log(`\n${verdicts.length - failed.length} of ${verdicts.length} attempts were refused and noticed.`);
process.exit(failed.length === 0 ? 0 : 1);

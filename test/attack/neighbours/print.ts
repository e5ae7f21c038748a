import { ATTACKS, attackNeighbours } from './run.ts';

const NEIGHBOURS = 9;
const ms = (value: number) => `${value.toFixed(0)} ms`;

/** Prints what each attack costs the others. Resolves with the exit code. */
export async function printNeighbours(seconds: number, only: string): Promise<number> {
  console.log(`${NEIGHBOURS} errands go on; each attack takes ${seconds} s. From POST to socket:\n`);
  console.log('| attack | p50 | p99 | longest | failed | the attacker |\n|---|---|---|---|---|---|');
  const attacks = ATTACKS.filter((attack) => attack.includes(only));
  let failed = 0;
  const ended = await attackNeighbours({ count: NEIGHBOURS, seconds, attacks }, ({ attack, waits, outcomes }) => {
    failed += waits.failed;
    const { p50, p99, worst, count } = waits;
    const how = [...new Set(outcomes)].join('; ');
    console.log(`| ${attack} | ${ms(p50)} | ${ms(p99)} | ${ms(worst)} | ${waits.failed} of ${count} | ${how} |`);
  });
  const succeeded = ended.filter((status) => status === 'succeeded').length;
  console.log(`\n${succeeded} of ${ended.length} errands succeeded.`);
  for (const status of ended) if (status !== 'succeeded') console.log(status);
  return succeeded === ended.length && failed === 0 ? 0 : 1;
}

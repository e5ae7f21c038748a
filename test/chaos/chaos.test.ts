import { dockerTest, whyNot } from '../support/docker.ts';
import { chooseFaults, runOnce } from './run.ts';

/*
 * A short run of `npm run chaos`: a few seeds, always the same.
 */

const no_docker = await whyNot('errand-agent');

for (const seed of [1, 4, 7, 10])
  dockerTest(
    `nothing is lost under the faults of seed ${seed}`,
    async (t) => {
      const { wrong, faults } = await runOnce(seed, chooseFaults(seed), 'docker');
      t.deepEqual(wrong, []);
      t.log(faults.join(' + ') || 'no fault came about');
    },
    no_docker,
  );

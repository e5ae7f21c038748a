import { dockerTest, whyNot } from '../support/docker.ts';
import { hundredKills } from './faults/coordinator.ts';
import { runOnce } from './run.ts';

/* The longest run of `npm run chaos`. It has a file of its own, so that it runs beside the others. */

dockerTest(
  `nothing is lost: ${hundredKills.name}`,
  async (t) => {
    t.timeout(1_200_000);
    const { wrong, faults } = await runOnce(0, [hundredKills], 'docker');
    t.deepEqual(wrong, []);
    t.deepEqual(faults, [hundredKills.name], 'the fault was injected');
  },
  await whyNot('errand-agent'),
);

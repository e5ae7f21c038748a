import { dockerTest, whyNot } from '../support/docker.ts';
import type { Verdict } from './attempt.ts';
import { GROUPS } from './attempts/all.ts';
import { ATTACKS, attackNeighbours, type Round } from './neighbours/run.ts';
import { attack } from './run.ts';
import { AttackScene } from './scene.ts';

const why_not = await whyNot('errand-agent');

dockerTest(
  "other people's errands go on and succeed while one worker does its worst",
  async (t) => {
    t.timeout(600_000);
    const rounds: Round[] = [];
    const ended = await attackNeighbours({ count: 3, seconds: 4, attacks: ATTACKS }, (round) => {
      t.log(`${round.attack}: ${round.outcomes.join('; ').slice(0, 200)}`);
      rounds.push(round);
    });
    t.is(rounds.length, ATTACKS.length + 1);
    t.deepEqual(ended, ['succeeded', 'succeeded', 'succeeded']);
    for (const { attack, waits } of rounds) t.is(waits.failed, 0, attack);
  },
  why_not ?? (process.getuid?.() === 0 ? undefined : 'only root can make a disk'),
);

dockerTest(
  'every attempt from inside a worker and from outside is refused and noticed',
  async (t) => {
    t.timeout(300_000);
    const scene = await AttackScene.start();
    const verdicts: Verdict[] = [];
    try {
      await attack(scene, GROUPS, (verdict) => verdicts.push(verdict));
    } finally {
      await scene.close();
    }
    t.true(verdicts.length >= 60);
    t.deepEqual(
      verdicts.filter(({ refused, noticed }) => !refused || !noticed),
      [],
    );
  },
  why_not,
);

import { dockerTest, whyNot } from '../support/docker.ts';
import type { Verdict } from './attempt.ts';
import { GROUPS } from './attempts/all.ts';
import { attack } from './run.ts';
import { AttackScene } from './scene.ts';

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
  await whyNot('errand-agent'),
);

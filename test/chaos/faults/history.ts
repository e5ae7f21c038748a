import type { Fault } from '../fault.ts';
import { badHistory } from '../story.ts';

export const HISTORY_FAULTS: Fault[] = [
  {
    name: 'model: blocks that no history may have at one turn, an answer that it refuses at another',
    outcome: 'the blocks are repaired or left out, the answer is left out; the errand continues',
    prepare: (scene, random) => {
      scene.manner = badHistory(random.whole(0, 9), random.whole(0, 9));
    },
    inject: (scene) =>
      scene.happens(
        'the model has sent the blocks and refused an answer',
        () => scene.done.has('bad blocks') && scene.done.has('refusal'),
      ),
  },
];

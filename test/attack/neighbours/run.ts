import type { Waits } from './neighbours.ts';
import { NeighbourScene } from './scene.ts';

/** What one worker does, in turn, while the others go on. */
export const ATTACKS = [
  'callback bodies',
  'events in another order',
  'assignments',
  'accepted model bodies',
  'model bodies',
  'undeletable folders',
  'a flood of events',
  'unlinked files',
  'pack bombs',
];

export type Round = { attack: string; waits: Waits; outcomes: string[] };

/**
 * Starts errands of others, measures them in quiet, and then while one more worker does each attack for so long. Calls
 * back with each round. Resolves with how the others' errands ended.
 */
export async function attackNeighbours(
  { count, seconds, attacks }: { count: number; seconds: number; attacks: string[] },
  each: (round: Round) => void,
): Promise<string[]> {
  const scene = await NeighbourScene.start(count);
  try {
    each({ attack: 'none', waits: await scene.neighbours.measure(seconds * 1000), outcomes: [] });
    for (const attack of attacks) {
      const [waits, outcomes] = await Promise.all([
        scene.neighbours.measure(seconds * 1000),
        scene.attack(attack, seconds),
      ]);
      each({ attack, waits, outcomes });
    }
    return await scene.finish();
  } finally {
    await scene.close();
  }
}

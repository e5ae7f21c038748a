import type { AttackScene } from './scene.ts';

/**
 * One thing that must not work. `noticed`: where it shows. `errand`: the command is a step of the errand, which its
 * person watches; a pattern: a line of the server's log, at `info` or above; `metric`: a counter with this name rises.
 */
export type Attempt = {
  name: string;
  /** Makes the attempt, and returns what the attacker got. */
  make: (scene: AttackScene) => Promise<string>;
  /** What the attacker gets if it was refused. */
  refused: RegExp;
  noticed: 'errand' | RegExp | { metric: string };
};

/** Who makes the attempts, and what they are about. */
export type AttackGroup = { from: 'a worker' | 'outside'; about: string; attempts: Attempt[] };

export type Verdict = { attempt: string; group: string; answer: string; refused: boolean; noticed: boolean };

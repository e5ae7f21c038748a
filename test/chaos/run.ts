import type { TaskStatus } from '../../protocol/task.ts';
import type { Fault } from './fault.ts';
import { FAULTS } from './faults/all.ts';
import { violations } from './invariants.ts';
import { Random } from '../support/random.ts';
import { Scene } from './scene.ts';

/** The result of one run. */
export type Outcome = {
  seed: number;
  /** The faults that were injected. */
  faults: string[];
  /** The violated invariants; empty if the run passed. */
  wrong: string[];
  duration_ms: number;
  tasks: number;
  attempts: number;
  /** Why attempts were lost. */
  lost: string[];
  starts: number;
  /** The data folder of a failed run. */
  evidence: string | null;
};

/**
 * The faults of a run. Ascending seeds go through all faults; the seed also decides whether a second one joins, and
 * which. At most one of them has a `prepare` step.
 */
export function chooseFaults(seed: number, from: Fault[] = FAULTS): Fault[] {
  const random = new Random(seed);
  const first = from[seed % from.length] ?? random.pick(from);
  const others = from.filter((fault) => fault !== first && fault.prepare === undefined);
  return random.next() < 0.5 || others.length === 0 ? [first] : [first, random.pick(others)];
}

/** Runs errands in a new scene while faults are injected, then checks the invariants. Never rejects. */
export async function runOnce(seed: number, faults: Fault[], runner: 'docker' | 'process'): Promise<Outcome> {
  const random = new Random(seed ^ 0x5eed);
  const began = performance.now();
  const outcome: Outcome = {
    seed,
    faults: [],
    wrong: [],
    duration_ms: 0,
    tasks: 0,
    attempts: 0,
    lost: [],
    starts: 0,
    evidence: null,
  };
  const scene = await Scene.create(runner);
  try {
    for (const fault of faults) await fault.prepare?.(scene, random);
    const begun = scene.begin(
      scene.turns ?? Array.from({ length: random.whole(1, 2) }, (_, i) => random.whole(5, 8) * 2 + i),
    );
    const injected = Promise.all(
      faults.map(async (fault) => {
        if (await fault.inject(scene, random)) outcome.faults.push(fault.name);
      }),
    );
    await Promise.all([begun, injected]);
    const tasks = await scene.ended();
    const attempts = tasks.flatMap((task) => task.attempts);
    // Another fault of the run may have ended the errands before one of them.
    if (outcome.faults.length === 0)
      outcome.wrong.push(`Nothing was tested: ${faults.map(({ name }) => `'${name}'`).join(' and ')} did not happen.`);
    outcome.tasks = tasks.length;
    outcome.lost = attempts.flatMap(({ reason, detail }) => (reason === null ? [] : [`${reason}: ${detail ?? ''}`]));
    outcome.attempts = attempts.length;
    const ends = faults.flatMap((fault): TaskStatus[] => fault.ends ?? ['succeeded']);
    outcome.wrong.push(...(await violations(scene, ends)));
  } catch (error) {
    outcome.wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  outcome.starts = scene.starts;
  outcome.duration_ms = performance.now() - began;
  const failed = outcome.wrong.length > 0;
  if (failed) outcome.evidence = scene.data_dir;
  await scene
    .close(failed)
    .catch((error: unknown) => void outcome.wrong.push(`The cleanup of the scene failed: ${String(error)}`));
  return outcome;
}

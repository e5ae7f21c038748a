import type { AttackGroup } from '../attempt.ts';

type Row = readonly [name: string, command: string, refused: RegExp];

/** Attempts that are commands of the attacker's agent. Each is a step of the errand that its person sees. */
export function byCommands(about: string, rows: Row[], noticed: 'errand' | RegExp = 'errand'): AttackGroup {
  return {
    from: 'a worker',
    about,
    attempts: rows.map(([name, command, refused]) => ({
      name,
      refused,
      noticed,
      make: (scene) => scene.command(command),
    })),
  };
}

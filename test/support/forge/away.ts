import type { ExecutionContext } from 'ava';
import type { ForgeKind } from '../../../protocol/forges.ts';
import { until } from '../until.ts';
import type { Gitea } from './gitea/gitea.ts';
import type { GitHub } from './github/github.ts';
import { IntakeScene, SELDOM } from './intake-scene.ts';

/** An intake at a forge of this kind. */
export type AnyIntake = IntakeScene<GitHub | Gitea>;

export function intakeAt(t: ExecutionContext, kind: ForgeKind): Promise<AnyIntake> {
  return kind === 'github' ? IntakeScene.start(t) : IntakeScene.startGitea(t);
}

/** The server is away while this happens. Whatever its forge sends meanwhile is lost. Then it starts, and looks. */
export async function away(scene: AnyIntake, happen: () => void | Promise<void>): Promise<void> {
  await scene.intake.stop();
  await happen();
  await look(scene);
}

/** Starts the server anew, and waits until it has asked what has changed, and has done what follows from it. */
export async function look(scene: AnyIntake): Promise<void> {
  scene.look_ms = 20;
  await scene.restart();
  const seen = scene.looks;
  // The second one begins when the first one has ended.
  await until('it has looked', () => scene.looks >= seen + 2);
  scene.look_ms = SELDOM;
  await scene.restart();
  await scene.settled();
}

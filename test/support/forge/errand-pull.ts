import type { ExecutionContext } from 'ava';
import { IntakeScene } from './intake-scene.ts';

/** A commit that an errand says it has pushed. */
export const COMMIT = 'c'.repeat(40);

/** An errand of ada's that has succeeded and has an open pull request. */
export async function pullScene(t: ExecutionContext, settings: Parameters<typeof IntakeScene.start>[1] = {}) {
  const scene = await IntakeScene.start(t, settings);
  const issue = scene.github.openIssue(scene.demo, scene.ada, { title: 'It fails', body: '@errand fix it' });
  await scene.deliver();
  const { id } = scene.task;
  const added = await scene.addPull(scene.task);
  await scene.work(id, 'Done.', added.commit);
  await scene.deliver();
  const messages = () => scene.messages(id);
  return {
    scene,
    id,
    issue,
    ...added,
    messages,
    github: scene.github,
    demo: scene.demo,
    ada: scene.ada,
    bob: scene.bob,
  };
}

import type { Ends } from '../folder.ts';
import { link, signInScene, type SignInScene } from './sign-in-scene.ts';

export const HOUR_MS = 3_600_000;

/** A person who has linked an account, and a repository of theirs where the app is installed. */
export async function linkedScene(t: Ends, env: Record<string, string> = {}) {
  const scene = await signInScene(t, env);
  const { github, server } = scene;
  const { api, session } = await server.person();
  const person = github.world.addPerson('ann');
  const repository = await github.world.addRepository({ owner: person, name: 'shop' });
  github.apps.install(scene.app, person);
  const { id } = await link(scene, api, person);
  const repo_url = `${github.origin}/ann/shop`;
  const { access } = server.forge_accounts;
  const credential = () => access.gitCredential(session.user.id, repo_url, undefined);
  return { ...scene, api, session, person, repository, id, repo_url, access, credential };
}

/** Time passes, at the server and at the forge. */
export function pass(scene: SignInScene, ms: number): void {
  scene.server.clock.ahead_ms += ms;
  scene.github.world.now = () => Date.now() + scene.server.clock.ahead_ms;
}

import type { ExecutionContext } from 'ava';
import { Api } from './api.ts';
import { FORGE, MODEL } from './errand.ts';
import { freePort } from './free-port.ts';
import { startGitServer, type GitServer } from './git-server.ts';
import { startModel, type ModelOptions } from './model/server.ts';
import { Phone } from './phone.ts';
import { setupCodeOf } from './setup-code.ts';

/* What a test needs that starts the coordinator as a process of its own, and starts it again. */

export const ANN = { email: 'ann@example.org', password: 'correct horse battery' };

/** A git server, a scripted model, and the settings of a coordinator that uses them. They stop with the test. */
export async function startServices(t: ExecutionContext, runner: 'docker' | 'process', script: ModelOptions) {
  const [forge, model] = [await startGitServer(FORGE), await startModel(script)];
  t.teardown(() => Promise.all([forge.close(), model.close()]));
  const settings = {
    ERRAND_CALLBACK_PORT: String(await freePort()),
    ERRAND_RUNNER: runner,
    ERRAND_MODEL: MODEL,
    ERRAND_PRIVATE_HOSTS: forge.host,
    ANTHROPIC_API_KEY: model.api_key,
    ANTHROPIC_BASE_URL: model.base_url,
  };
  return { forge, model, settings };
}

/** Signs Ann up, and sends an errand on a new repository `adder` with these files. `phone` follows the errand. */
export async function sendFirstErrand(
  t: ExecutionContext,
  { url, data_dir }: { url: string; data_dir: string },
  forge: GitServer,
  files: Record<string, string>,
) {
  const api = new Api(url);
  const session = await api.call('signup', { body: { ...ANN, setup_code: setupCodeOf(data_dir) } });
  api.token = session.access_token;
  const repo_url = await forge.createRepository('adder.git', files);
  const project = { name: 'adder', repo_url, git_token: FORGE.password };
  const { id: project_id } = await api.call('createProject', { body: project });
  const { id } = await api.call('createTask', { body: { prompt: 'Count', project_id } });
  const phone = new Phone(url, session.user.id, () => session.access_token, { task_id: id });
  t.teardown(() => phone.close());
  return { api, session, id, phone };
}

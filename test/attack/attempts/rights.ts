import { newId } from '../../../protocol/ids.ts';
import type { TokenScope } from '../../../protocol/tokens.ts';
import type { RouteName } from '../../../protocol/routes.ts';
import type { AttackGroup } from '../attempt.ts';
import type { AttackScene } from '../scene.ts';
import { request, type Token } from './by-request.ts';

const attacker: Token = ({ attacker: { api } }) => api.token;
const OWNERS = [
  'listAudit',
  'rotateKeys',
  'getServer',
  'listSettings',
  'listPeople',
  'listInvites',
  'listForges',
] as const satisfies RouteName[];

/** What a person with an account tries who does not own the server. */
export const MEMBERS_RIGHTS: AttackGroup = {
  from: 'outside',
  about: 'what only the owner may do',
  attempts: [
    ...OWNERS.map((name) => request(`call ${name}`, /^403/, name, attacker)),
    request('make an app at a forge', /^403/, 'startForgeApp', attacker, () => ({ params: { id: newId() }, body: {} })),
    request('block the owner', /^403/, 'blockPerson', attacker, ({ victim }) => ({
      params: { id: victim.session.user.id },
    })),
    request('remove the owner', /^403/, 'removePerson', attacker, ({ victim }) => ({
      params: { id: victim.session.user.id },
    })),
    request('invite somebody', /^403/, 'createInvite', attacker, () => ({ body: {} })),
  ],
};

/** An API token of the attacker with these scopes. */
const scoped =
  (...scopes: TokenScope[]): Token =>
  async ({ attacker: { api } }: AttackScene) => {
    const body = { name: 'script', scopes, expires_in_days: 1 };
    return (await api.call('createToken', { body })).token;
  };

async function revoked({ attacker: { api } }: AttackScene): Promise<string> {
  const body = { name: 'script', scopes: ['read' as const], expires_in_days: 1 };
  const { id, token } = await api.call('createToken', { body });
  await api.call('deleteToken', { params: { id } });
  return token;
}

/** What somebody tries who found a script's token. */
export const SCRIPT: AttackGroup = {
  from: 'outside',
  about: "a script's token",
  attempts: [
    request('send an errand with a token that may read', /^403/, 'createTask', scoped('read'), ({ attacker: own }) => ({
      body: { prompt: 'x', project_id: own.project_id },
    })),
    request('read with a token that may only send', /^403/, 'listTasks', scoped('tasks')),
    request('change a project with a token for errands', /^403/, 'patchProject', scoped('read', 'tasks'), (scene) => ({
      params: { id: scene.attacker.project_id },
      body: { name: 'mine' },
    })),
    request('make a token with a token', /^403/, 'createToken', scoped('read', 'tasks', 'projects'), () => ({
      body: { name: 'more', scopes: ['read'], expires_in_days: 1 },
    })),
    request('change the password with a token', /^403/, 'changePassword', scoped('read', 'tasks', 'projects'), () => ({
      body: { old_password: 'correct horse battery', new_password: 'another horse battery' },
    })),
    request('list the devices with a token', /^403/, 'listSessions', scoped('read')),
    request('read with a token that was revoked', /^401/, 'listTasks', revoked),
  ],
};

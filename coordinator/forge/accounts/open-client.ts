import type { ForgeKind } from '../../../protocol/forges.ts';
import type { ForgeClient } from '../forge.ts';

/** TEMPORARY until the clients are merged. */
export function openClient(kind: ForgeKind, origin: string): ForgeClient {
  const get = async (path: string, token: string): Promise<any> => {
    const response = await fetch(`${origin}/api/v3${path}`, { headers: { authorization: `Bearer ${token}` } });
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  };
  return {
    kind,
    origin,
    me: async ({ token }: any) => {
      const { id, login, name, email } = await get('/user', token);
      return { id: String(id), login, name, email, bot: false };
    },
    repository: async ({ token }: any, { owner, name }: any) => {
      const { permissions } = await get(`/repos/${owner}/${name}`, token);
      return { permission: permissions?.push ? 'write' : 'read' };
    },
  } as unknown as ForgeClient;
}

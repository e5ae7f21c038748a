import test from 'ava';
import { giteaClient } from '../../../coordinator/forge/gitea/gitea-client.ts';
import { forgeHttp } from '../../support/forge/forge-http.ts';
import { startGitea } from '../../support/forge/gitea/stand-in.ts';

const NAME = { owner: 'ada', name: 'demo' };

test('Gitea: the page of a check is a web page of bounded length, or none', async (t) => {
  const gitea = await startGitea(t);
  const client = giteaClient(forgeHttp(t, [gitea.host]), gitea.origin);
  const access = { token: gitea.apps.personalToken(gitea.world.addPerson('ada')).value };
  const pages: Record<string, [given: string, shown: string | null]> = {
    job: ['/ada/demo/actions/runs/1/jobs/0', `${gitea.origin}/ada/demo/actions/runs/1/jobs/0`],
    other: ['https://ci.example/build/1', 'https://ci.example/build/1'],
    none: ['', null],
    script: ['javascript:alert(1)', null],
    long: [`https://ci.example/${'a'.repeat(2_000)}`, null],
  };
  const statuses = Object.entries(pages).map(([context, [target_url]]) => ({ context, status: 'failure', target_url }));
  gitea.intercept = ({ url = '' }, response) => {
    if (!url.includes('/status')) return false;
    const is_first = new URL(url, gitea.origin).searchParams.get('page') === '1';
    response.writeHead(200).end(JSON.stringify({ statuses: is_first ? statuses : [] }));
    return true;
  };
  const { items } = await client.checks(access, NAME, 'c');
  t.deepEqual(
    items.map(({ name, url }) => [name, url]),
    Object.entries(pages).map(([name, [, shown]]) => [name, shown]),
  );
});

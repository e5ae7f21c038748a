import test from 'ava';
import { apiRoot, graphqlRoot } from '../../../../coordinator/forge/github/api-root.ts';
import { installAddress } from '../../../../coordinator/forge/github/app-manifest.ts';

const PLACES: [origin: string, rest: string, graphql: string, install: string][] = [
  [
    'https://github.com',
    'https://api.github.com',
    'https://api.github.com',
    'https://github.com/apps/errand/installations/new',
  ],
  [
    'https://octocorp.ghe.com',
    'https://api.octocorp.ghe.com',
    'https://api.octocorp.ghe.com',
    'https://octocorp.ghe.com/apps/errand/installations/new',
  ],
  [
    'https://github.example.org',
    'https://github.example.org/api/v3',
    'https://github.example.org/api',
    'https://github.example.org/github-apps/errand/installations/new',
  ],
  [
    'https://not-ghe.com',
    'https://not-ghe.com/api/v3',
    'https://not-ghe.com/api',
    'https://not-ghe.com/github-apps/errand/installations/new',
  ],
];

for (const [origin, rest, graphql, install] of PLACES)
  test(`where the API and the pages of apps are: ${origin}`, (t) => {
    t.deepEqual([apiRoot(origin), graphqlRoot(origin), installAddress(origin, 'errand')], [rest, graphql, install]);
  });

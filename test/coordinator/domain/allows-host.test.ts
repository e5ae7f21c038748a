import test from 'ava';
import { allowsHost } from '../../../coordinator/domain/egress-policy.ts';

const policy = { egress: 'registries' as const, egress_hosts: [] };

test('a project on the default may fetch what packages download when they are installed', (t) => {
  const hosts = [
    'registry.npmjs.org',
    'binaries.prisma.sh',
    'cdn.playwright.dev',
    'download.cypress.io',
    'fastdl.mongodb.org',
    'download.pytorch.org',
    'dl.google.com',
    'builds.dotnet.microsoft.com',
  ];
  for (const host of hosts) t.true(allowsHost(policy, host), host);
});

test('a project on the default reaches no host where anyone can upload anything', (t) => {
  const hosts = [
    'github.com',
    'gist.githubusercontent.com',
    'raw.githubusercontent.com',
    'storage.googleapis.com',
    's3.amazonaws.com',
    'huggingface.co',
    'evil-dl.google.com',
    'x.binaries.prisma.sh',
  ];
  for (const host of hosts) t.false(allowsHost(policy, host), host);
});

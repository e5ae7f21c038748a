import type { Egress } from '../../protocol/api.ts';

/** Which hosts a task's commands may reach. Set on the project. */
export type EgressPolicy = { egress: Egress; egress_hosts: string[] };

/**
 * The well-known package registries and their download hosts. Registries accept uploads from anyone with an account, so
 * data can still leak through them; hosts for arbitrary uploads (forges, storage, pastebins) are left out. Only TLS is
 * allowed: a package manager that uses plain HTTP (apt by default) is refused.
 */
const REGISTRY_HOSTS = [
  // JavaScript
  'registry.npmjs.org',
  'registry.yarnpkg.com',
  'jsr.io',
  'npm.jsr.io',
  'nodejs.org',
  // Python
  'pypi.org',
  'files.pythonhosted.org',
  // Rust
  'crates.io',
  'index.crates.io',
  'static.crates.io',
  'static.rust-lang.org',
  // Go
  'proxy.golang.org',
  'sum.golang.org',
  // Ruby
  'rubygems.org',
  'index.rubygems.org',
  // Java, Kotlin, Scala
  'repo.maven.apache.org',
  'repo1.maven.org',
  'plugins.gradle.org',
  'plugins-artifacts.gradle.org',
  'services.gradle.org',
  // .NET
  'api.nuget.org',
  // PHP
  'packagist.org',
  'repo.packagist.org',
  // Elixir, Dart, Haskell, Perl
  'hex.pm',
  'repo.hex.pm',
  'builds.hex.pm',
  'pub.dev',
  'hackage.haskell.org',
  'cpan.metacpan.org',
  // Debian, Alpine
  'deb.debian.org',
  'dl-cdn.alpinelinux.org',
];

/**
 * Whether a policy allows this host (in lower case). An entry `*.name` matches every subdomain of `name`, not `name`.
 */
export function allowsHost({ egress, egress_hosts }: EgressPolicy, host: string): boolean {
  switch (egress) {
    case 'none':
      return false;
    case 'open':
      return true;
    case 'registries':
      return REGISTRY_HOSTS.includes(host);
    case 'list':
      return egress_hosts.some((entry) => (entry.startsWith('*.') ? host.endsWith(entry.slice(1)) : host === entry));
  }
}

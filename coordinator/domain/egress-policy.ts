import type { Egress } from '../../protocol/api.ts';

/** What a task's commands may reach beyond the coordinator: its project's setting. */
export type EgressPolicy = { egress: Egress; egress_hosts: string[] };

/**
 * The well-known package registries, with the hosts that they serve their files from. They take uploads from whoever has an account there, so even these
 * can carry something out; hosts where anyone can put anything (forges, storage, pastebins) are not among them. They are reached by TLS alone: a package manager that
 * is set to plain HTTP (apt is, unless told otherwise) does not get through.
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

/** Whether a policy names this host (in lower case). An entry `*.name` stands for every host below `name`, and not for `name`. */
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

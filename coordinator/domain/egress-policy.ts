import type { Egress } from '../../protocol/api.ts';

/**
 * Which hosts a task's commands may reach. Set on the project. `allowed_hosts`: further ones that its person allowed
 * when it asked.
 */
export type EgressPolicy = { egress: Egress; egress_hosts: string[]; allowed_hosts?: string[] };

/**
 * The well-known package registries, the hosts that they redirect downloads to, and those where packages fetch their
 * binaries and tools. Registries accept uploads from anyone with an account, so data can still leak through them; hosts
 * for arbitrary uploads (forges, storage, pastebins) are left out. Only TLS is allowed: a package manager that uses
 * plain HTTP (apt by default) is refused.
 */
const REGISTRY_HOSTS = [
  // JavaScript
  'registry.npmjs.org',
  'registry.yarnpkg.com',
  'repo.yarnpkg.com',
  'jsr.io',
  'npm.jsr.io',
  'nodejs.org',
  // Python
  'pypi.org',
  'files.pythonhosted.org',
  'download.pytorch.org',
  'conda.anaconda.org',
  'repo.anaconda.com',
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
  'cache.ruby-lang.org',
  // Java, Kotlin, Scala, Clojure, Android
  'repo.maven.apache.org',
  'repo1.maven.org',
  'maven.google.com',
  'dl.google.com',
  'repo.spring.io',
  'repo.clojars.org',
  'plugins.gradle.org',
  'plugins-artifacts.gradle.org',
  'services.gradle.org',
  'downloads.gradle.org',
  // .NET
  'api.nuget.org',
  'builds.dotnet.microsoft.com',
  // PHP
  'packagist.org',
  'repo.packagist.org',
  // Elixir, Dart, Haskell, Perl, R, Swift
  'hex.pm',
  'repo.hex.pm',
  'builds.hex.pm',
  'pub.dev',
  'hackage.haskell.org',
  'cpan.metacpan.org',
  'cran.r-project.org',
  'cloud.r-project.org',
  'download.swift.org',
  // What packages fetch when they are installed: Prisma's engines, Playwright's and Cypress's browsers, MongoDB
  'binaries.prisma.sh',
  'cdn.playwright.dev',
  'playwright.download.prss.microsoft.com',
  'download.cypress.io',
  'cdn.cypress.io',
  'fastdl.mongodb.org',
  // Terraform, Kubernetes
  'registry.terraform.io',
  'releases.hashicorp.com',
  'dl.k8s.io',
  'cdn.dl.k8s.io',
  'get.helm.sh',
  // Debian, Alpine
  'deb.debian.org',
  'dl-cdn.alpinelinux.org',
  // What github.com redirects downloads to. They only serve files.
  'codeload.github.com',
  'objects.githubusercontent.com',
  'release-assets.githubusercontent.com',
];

/**
 * Hosts that registries redirect to and that are left out all the same, with those registries: a host is allowed as a
 * whole, and anyone can upload to these.
 */
const LEFT_OUT = new Map([
  ['api.github.com', 'packagist.org'],
  ['github.com', 'services.gradle.org'],
  ['storage.googleapis.com', 'proxy.golang.org, pub.dev and cdn.playwright.dev'],
]);

/** Why a host is not among the registries although they need it: a sentence; null: they do not. */
export function whyLeftOut(host: string): string | null {
  const registries = LEFT_OUT.get(host);
  if (registries === undefined) return null;
  return `Downloads of ${registries} lead there, but anyone can upload to ${host} too, so a person has to allow it.`;
}

/**
 * Whether a policy allows this host (in lower case). An entry `*.name` matches every subdomain of `name`, not `name`.
 */
export function allowsHost({ egress, egress_hosts, allowed_hosts = [] }: EgressPolicy, host: string): boolean {
  const lists = (hosts: string[]) =>
    hosts.some((entry) => (entry.startsWith('*.') ? host.endsWith(entry.slice(1)) : host === entry));
  switch (egress) {
    case 'none':
      return false;
    case 'open':
      return true;
    case 'registries':
      return REGISTRY_HOSTS.includes(host) || lists(allowed_hosts);
    case 'list':
      return lists(egress_hosts) || lists(allowed_hosts);
  }
}

/** Names that lead to machines of a private network, or nowhere (RFC 6761, RFC 6762, RFC 8375). */
const PRIVATE_SUFFIX = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|private|home\.arpa|onion|test|invalid)$/;
const PUBLIC_NAME = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

/**
 * Whether a person may be asked to allow this host: it is a name in the public DNS, and the policy is one that a host
 * can be added to. The name is not resolved, because a worker could leak data in the names that it asks for.
 */
export function mayAskFor({ egress }: EgressPolicy, host: string): boolean {
  if (egress === 'none' || egress === 'open') return false;
  return host.length <= 253 && PUBLIC_NAME.test(host) && !PRIVATE_SUFFIX.test(host);
}

import { existsSync, readdirSync } from 'node:fs';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { isPublicAddress } from './address-guard.ts';

/** Interfaces towards the machine's own containers and virtual machines, where no other device is. */
const INNER_INTERFACE = /^(docker|br-|veth|virbr|vmnet|vboxnet|lxc|lxd|podman|cni|flannel|cali)/;
/** Link-local addresses: they need the name of an interface, or are there because nothing gave a better one. */
const LINK_LOCAL = /^(fe[89ab]|169\.254\.)/i;
/** What Docker and Podman put into each container. */
const CONTAINER_MARKS = ['/.dockerenv', '/run/.containerenv'];
const INTERFACES = '/sys/class/net';

type Interfaces = NodeJS.Dict<Pick<NetworkInterfaceInfo, 'address' | 'family' | 'internal'>[]>;

/**
 * The addresses at which other devices of its networks reach this machine, IPv4 first. Not those of the internet: what
 * is said to them without TLS is read on the way.
 */
export function addressesForDevices(
  interfaces: Interfaces = networkInterfaces(),
  has_own_network = isInOwnNetwork(),
): { address: string; family: string }[] {
  if (has_own_network) return [];
  return Object.entries(interfaces)
    .flatMap(([name, addresses]) => (INNER_INTERFACE.test(name) ? [] : (addresses ?? [])))
    .filter(({ address, internal }) => !internal && !LINK_LOCAL.test(address) && !isPublicAddress(address))
    .sort((a, b) => a.family.localeCompare(b.family));
}

/**
 * Whether this is a container with a network of its own: only its host knows what it publishes, and where. A container
 * in the network of the machine sees the bridges, too, also those that are down. Where they cannot be listed, it counts
 * as one.
 */
function isInOwnNetwork(): boolean {
  if (!CONTAINER_MARKS.some((path) => existsSync(path))) return false;
  try {
    return !readdirSync(INTERFACES).some((name) => INNER_INTERFACE.test(name));
  } catch {
    return true;
  }
}

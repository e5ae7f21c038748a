import { workerEnvironment, type LaunchSpec } from '../local/launcher.ts';
import seccomp from './seccomp.json' with { type: 'json' };

/** The paths of a worker's directories in its container, as in `protocol/worker.ts`. */
const INSIDE = {
  coordinator_dir: '/run/errand/coordinator',
  worker_dir: '/run/errand/worker',
  workspace_dir: '/workspace',
};

/** The label of containers with the id of their server. */
export const INSTANCE_LABEL = 'errand.instance';

/** What the engine needs to know to create a container. */
export type ContainerOptions = ReturnType<typeof containerOptions>;

/** The same for all workers of a server. `user`: as whom they run, inside. `runtime`: undefined is the engine's own. */
type OwnOptions = { instance: string; user: { uid: number; gid: number }; runtime: string | undefined };

/**
 * The options of a worker's container. It has no network, no capabilities, no way to gain any, a read-only root file
 * system limited resources, and the system calls of `seccomp.json` alone. The paths of `spec` are those of the engine's
 * machine. No option comes from a task. `variables`: the names of those of the image that commands get.
 */
export function containerOptions(spec: LaunchSpec, own: OwnOptions, variables: readonly string[] = []) {
  const env = { ...workerEnvironment(INSIDE), ERRAND_COMMAND_ENV: variables.join(',') };
  const labels: Record<string, string> = { ...spec.labels, [INSTANCE_LABEL]: own.instance };
  return {
    Image: spec.image,
    // Without a group, Docker would use group 0.
    User: `${own.user.uid}:${own.user.gid}`,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Labels: labels,
    StopSignal: 'SIGTERM',
    HostConfig: {
      Init: true,
      CapDrop: ['ALL'],
      // The engine takes the profile itself, not a path.
      SecurityOpt: ['no-new-privileges', `seccomp=${JSON.stringify(seccomp)}`],
      ...(own.runtime !== undefined && { Runtime: own.runtime }),
      ReadonlyRootfs: true,
      Tmpfs: {
        '/tmp': 'rw,nosuid,nodev,exec,size=512m,nr_inodes=100k',
        '/run': 'rw,nosuid,nodev,noexec,size=16m',
      },
      // Not `Binds`: Docker would create a missing path, and so hide a wrong one.
      Mounts: [
        bindMount(spec.mounts.coordinator_dir, INSIDE.coordinator_dir, true),
        bindMount(spec.mounts.worker_dir, INSIDE.worker_dir, false),
        bindMount(spec.mounts.workspace_dir, INSIDE.workspace_dir, false),
      ],
      NetworkMode: 'none',
      IpcMode: 'private',
      ShmSize: 256 * 1024 * 1024,
      Memory: spec.limits.memory_bytes,
      // Equal to the memory, so that there is no swap.
      MemorySwap: spec.limits.memory_bytes,
      NanoCpus: Math.round(spec.limits.cpus * 1e9),
      CpuShares: 512,
      PidsLimit: spec.limits.pids_max,
      // If the machine runs out of memory, the kernel kills a worker before the coordinator.
      OomScoreAdj: 500,
      Ulimits: [
        { Name: 'nofile', Soft: 4096, Hard: 8192 },
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'fsize', Soft: 2 ** 31, Hard: 2 ** 31 },
      ],
      RestartPolicy: { Name: 'no' },
      // The container must stay until its exit code was read.
      AutoRemove: false,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
    },
  };
}

function bindMount(Source: string, Target: string, ReadOnly: boolean) {
  return { Type: 'bind', Source, Target, ReadOnly };
}

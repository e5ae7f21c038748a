import type { ContainerCreateOptions, MountSettings } from 'dockerode';
import { workerEnvironment, type LaunchSpec } from '../local/launcher.ts';

/** Where a worker finds its directories: those of protocol/worker.ts. */
const INSIDE = {
  coordinator_dir: '/run/errand/coordinator',
  worker_dir: '/run/errand/worker',
  workspace_dir: '/workspace',
};

export const INSTANCE_LABEL = 'errand.instance';

/**
 * How a worker's container is made. It has no network, no capability, no way to gain one, and a root that it cannot write; what it may use
 * of the machine is bounded. The paths of `spec` are those of the engine's own machine. Nothing in here comes from a task.
 */
export function containerOptions(
  spec: LaunchSpec,
  own: { instance: string; owner: { uid: number; gid: number } },
): ContainerCreateOptions {
  return {
    name: spec.name,
    Image: spec.image,
    // A number alone would leave the group at 0.
    User: `${own.owner.uid}:${own.owner.gid}`,
    Env: Object.entries(workerEnvironment(INSIDE)).map(([name, value]) => `${name}=${value}`),
    Labels: { ...spec.labels, [INSTANCE_LABEL]: own.instance },
    StopSignal: 'SIGTERM',
    HostConfig: {
      Init: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      Tmpfs: {
        '/tmp': 'rw,nosuid,nodev,exec,size=512m,nr_inodes=100k',
        '/run': 'rw,nosuid,nodev,noexec,size=16m',
      },
      // Not `Binds`: those make what is not there, and so hide a path that the engine does not know.
      Mounts: [
        bind(spec.mounts.coordinator_dir, INSIDE.coordinator_dir, true),
        bind(spec.mounts.worker_dir, INSIDE.worker_dir, false),
        bind(spec.mounts.workspace_dir, INSIDE.workspace_dir, false),
      ],
      NetworkMode: 'none',
      IpcMode: 'private',
      ShmSize: 256 * 1024 * 1024,
      Memory: spec.limits.memory_bytes,
      // The same as the memory: no swap.
      MemorySwap: spec.limits.memory_bytes,
      NanoCpus: Math.round(spec.limits.cpus * 1e9),
      CpuShares: 512,
      PidsLimit: spec.limits.pids_max,
      // Where the machine itself runs short, a worker goes before the coordinator does.
      OomScoreAdj: 500,
      Ulimits: [
        { Name: 'nofile', Soft: 4096, Hard: 8192 },
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'fsize', Soft: 2 ** 31, Hard: 2 ** 31 },
      ],
      RestartPolicy: { Name: 'no' },
      // How it ended must be readable until it has been read.
      AutoRemove: false,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
    },
  };
}

function bind(Source: string, Target: string, ReadOnly: boolean): MountSettings {
  return { Type: 'bind', Source, Target, ReadOnly };
}

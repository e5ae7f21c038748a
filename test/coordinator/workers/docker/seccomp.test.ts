import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { openEngine } from '../../../../coordinator/workers/docker/engine.ts';
import { textOf } from '../../../../coordinator/workers/docker/log-frames.ts';
import { containerOptions } from '../../../../coordinator/workers/docker/options.ts';
import { WorkerDirectories } from '../../../../coordinator/workers/local/worker-directories.ts';
import { newWorkerName } from '../../../../coordinator/workers/worker-name.ts';
import { BASE_IMAGE, dockerTest, whyNot } from '../../../support/docker.ts';
import { temporaryFolder } from '../../../support/folder.ts';

/* What a worker's container may ask of the kernel, tried in one. */

const PROBE = readFileSync(new URL('seccomp-probe.py', import.meta.url), 'utf8');
const PROFILE = new URL('../../../../coordinator/workers/docker/seccomp.json', import.meta.url);
const user = { uid: 1000, gid: 1000 };

/** The output of a command in a container with the options of a worker. */
async function run(t: ExecutionContext, ...Entrypoint: string[]): Promise<string> {
  const directories = new WorkerDirectories(await temporaryFolder(t), user);
  const name = newWorkerName();
  const { coordinator_dir, worker_dir } = directories.make(name);
  const limits = { memory_bytes: 1024 * 1024 * 1024, cpus: 2, pids_max: 256 };
  const mounts = { coordinator_dir, worker_dir, workspace_dir: worker_dir };
  const spec = { name, image: BASE_IMAGE, limits, labels: {}, mounts };
  const engine = openEngine(undefined);
  t.teardown(() => engine.close());
  try {
    const options = containerOptions(spec, { instance: 'seccomp', user, runtime: undefined });
    await engine.calls.createContainer(name, { ...options, Entrypoint });
    await engine.calls.startContainer(name);
    await engine.waits.waitForContainer(name);
    return textOf(await engine.calls.readLogs(name, 1_000));
  } finally {
    await engine.calls.removeContainer(name);
  }
}

const [EPERM, ENOSYS, NONE] = ['1', '38', '0'];
const CLONE_NEWUSER = 0x10000000;
const NAMESPACES = [0x20000, 0x2000000, 0x4000000, 0x8000000, CLONE_NEWUSER, 0x20000000, 0x40000000];
const SIGCHLD = 17;

/** Calls by their numbers on x86-64, and what comes of them. */
const CALLS: [what: string, number: number, args: number[], error: string][] = [
  ['io_uring_setup', 425, [8, 0], EPERM],
  ['io_uring_enter', 426, [], EPERM],
  ['io_uring_register', 427, [], EPERM],
  ...NAMESPACES.map((flag): (typeof CALLS)[number] => [`clone_${flag}`, 56, [flag + SIGCHLD], EPERM]),
  ...NAMESPACES.map((flag): (typeof CALLS)[number] => [`unshare_${flag}`, 272, [flag], EPERM]),
  ['clone', 56, [SIGCHLD], NONE],
  ['clone3', 435, [0, 0], ENOSYS],
  ['setns', 308, [0, 0], EPERM],
  ['socket_unix', 41, [1, 1, 0], NONE],
  ['socket_inet', 41, [2, 1, 0], NONE],
  ['socket_inet6', 41, [10, 2, 0], NONE],
  ['socket_netlink', 41, [16, 3, 0], NONE],
  ['socket_vsock', 41, [40, 1, 0], EPERM],
  // The kernel reads 32 bits of the family, and a filter 64.
  ['socket_vsock_high_bits', 41, [2 ** 32 + 40, 1, 0], EPERM],
  ['socket_alg', 41, [38, 5, 0], EPERM],
  ['socket_packet', 41, [17, 3, 0], EPERM],
  ['socket_rds', 41, [21, 5, 0], EPERM],
  ['socket_bluetooth', 41, [31, 3, 0], EPERM],
  ['socket_xdp', 41, [44, 3, 0], EPERM],
  ['socketpair_tipc', 53, [30, 1, 0, 0], EPERM],
  ['keyctl', 250, [0, 0], EPERM],
  ['add_key', 248, [], EPERM],
  ['request_key', 249, [], EPERM],
  ['bpf', 321, [0, 0, 0], EPERM],
  ['perf_event_open', 298, [], EPERM],
  ['userfaultfd', 323, [0], EPERM],
  ['mount', 165, [], EPERM],
  ['umount2', 166, [], EPERM],
  ['pivot_root', 155, [], EPERM],
  ['chroot', 161, [], EPERM],
  ['move_mount', 429, [], EPERM],
  ['open_tree', 428, [], EPERM],
  ['fsopen', 430, [], EPERM],
  ['fsconfig', 431, [], EPERM],
  ['fsmount', 432, [], EPERM],
  ['fspick', 433, [], EPERM],
  ['mount_setattr', 442, [], EPERM],
  ['init_module', 175, [], EPERM],
  ['finit_module', 313, [], EPERM],
  ['kexec_load', 246, [], EPERM],
  ['kexec_file_load', 320, [], EPERM],
  ['reboot', 169, [], EPERM],
  ['swapon', 167, [], EPERM],
  ['acct', 163, [], EPERM],
  ['quotactl', 179, [], EPERM],
  ['syslog', 103, [3, 0, 0], EPERM],
  ['settimeofday', 164, [], EPERM],
  ['clock_settime', 227, [], EPERM],
  ['sethostname', 170, [], EPERM],
  ['iopl', 172, [3], EPERM],
  ['modify_ldt', 154, [], EPERM],
  ['open_by_handle_at', 304, [], EPERM],
  ['fanotify_init', 300, [], EPERM],
  ['kcmp', 312, [], EPERM],
  ['pidfd_getfd', 438, [], EPERM],
  ['process_madvise', 440, [], EPERM],
  ['mbind', 237, [], EPERM],
  ['move_pages', 279, [], EPERM],
  ['lookup_dcookie', 212, [], EPERM],
  ['personality_asks', 135, [0xffffffff], NONE],
  ['personality_no_random_addresses', 135, [0x40000], EPERM],
  // PTRACE_TRACEME: debuggers work.
  ['ptrace', 101, [0, 0, 0, 0], NONE],
  // A call of another architecture than the container's: that of 32-bit programs in long mode (x32).
  ['x32_getpid', 0x40000000 + 39, [], 'killed'],
];

const why_not = process.arch === 'x64' ? await whyNot(BASE_IMAGE) : 'the numbers of the calls are those of x86-64';

dockerTest(
  'a worker may not make these system calls, and may make those',
  async (t) => {
    const words = CALLS.map(([what, number, args]) => [what, number, ...args].join(':'));
    const output = await run(t, 'python3', '-c', PROBE, ...words);
    t.deepEqual(
      output.trim().split('\n'),
      CALLS.map(([what, , , error]) => `${what} ${error}`),
    );
  },
  why_not,
);

/** Programs that an errand needs, with a line that each prints in the end. */
const PROGRAMS: Record<string, string> = {
  'Node with its threads, child processes and asynchronous files': `node -e '
    const { Worker } = require("worker_threads");
    const fs = require("fs/promises");
    Promise.all([
      ...Array.from({ length: 4 }, () => new Promise((ok, no) => new Worker("process.exit(0)", { eval: true }).on("exit", ok).on("error", no))),
      require("util").promisify(require("child_process").execFile)("uname", ["-a"]),
      fs.writeFile("/tmp/a", "x").then(() => fs.copyFile("/tmp/a", "/tmp/b")),
      require("dns/promises").lookup("localhost"),
    ]).then(() => { require("fs").watch("/tmp").close(); console.log(Object.keys(require("os").networkInterfaces())[0] === "lo" && "works"); })'`,
  git: `git init -q /tmp/r && cd /tmp/r && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one &&
    git clone -q /tmp/r /tmp/c && git -C /tmp/c gc -q && git -C /tmp/c log --format=tformat:works`,
  npm: `mkdir /tmp/n && cd /tmp/n && npm init -y >/dev/null && npm pkg set scripts.a='echo works' && npm run -s a && npm pack --silent >/dev/null`,
  'Python with threads, processes and multiprocessing': `python3 -c '
import multiprocessing, subprocess, threading, tempfile
with multiprocessing.Pool(3) as pool: assert pool.map(abs, [-1, -2]) == [1, 2]
threads = [threading.Thread(target=lambda: None) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
subprocess.run(["true"], check=True)
print("works")'`,
  'gcc and a program with many threads, as the run-time of Go makes them': `cat >/tmp/a.c <<'END'
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static int child(void *unused) { return sched_yield(); }
static void *run(void *unused) { return unused; }
int main(void) {
  pthread_t threads[16];
  for (int i = 0; i < 16; i++) if (pthread_create(&threads[i], NULL, run, NULL)) return 1;
  for (int i = 0; i < 16; i++) pthread_join(threads[i], NULL);
  char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM | CLONE_THREAD;
  if (clone(child, stack + 65536, flags, NULL) < 0) return 2;
  if (vfork() == 0) _exit(0);
  if (wait(NULL) < 0) return 3;
  puts("works");
}
END
    gcc -pthread -O1 -o /tmp/a.out /tmp/a.c && /tmp/a.out`,
  'make with jobs': `printf 'all: a b\\n\\t@echo works\\na b:\\n\\t@sleep 0\\n' >/tmp/Makefile && make -s -j2 -C /tmp`,
};

for (const [what, script] of Object.entries(PROGRAMS))
  dockerTest(`a worker can run ${what}`, async (t) => {
    const output = await run(t, 'bash', '-ceu', `export HOME=/tmp; ${script}`);
    t.is(output.trim().split('\n').at(-1), 'works', output);
  });

test('the profile allows each call in one rule, and no rule without arguments allows a refused one', (t) => {
  const { syscalls } = JSON.parse(readFileSync(PROFILE, 'utf8')) as {
    syscalls: { names: string[]; args?: object[] }[];
  };
  const plain = syscalls.filter(({ args }) => !args).flatMap(({ names }) => names);
  t.is(new Set(plain).size, plain.length);
  for (const name of ['socket', 'clone', 'personality', 'unshare', 'keyctl', 'bpf'])
    t.false(plain.includes(name), name);
});

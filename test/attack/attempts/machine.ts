import { byCommands } from './by-command.ts';

const NO_RIGHT = /not permitted|denied|Read-only|EPERM|EACCES|EROFS/i;
const NOT_THERE = /No such file|not found|ENOENT/i;

/** A system call by its number on x86-64 and arm64, from Python. Prints its error. */
const systemCall = (x64: number, arm64: number, ...args: string[]) =>
  `python3 -c "import ctypes,os,platform; l=ctypes.CDLL(None,use_errno=True); n=${x64} if platform.machine()=='x86_64' else ${arm64}; r=l.syscall(n,${args.join(',') || '0'}); print(r, os.strerror(ctypes.get_errno()) if r<0 else 'done')"`;

/** What a command tries with the machine that its container runs on. */
export const MACHINE = byCommands('the machine', [
  ['write to the root folder', 'touch /x', NO_RIGHT],
  ['replace a program', 'cp /bin/true /usr/bin/git', NO_RIGHT],
  ["change the worker's own code", 'echo "//" >> /app/agent-container/main.ts', NO_RIGHT],
  ['add a user', 'echo "evil::0:0::/:/bin/sh" >> /etc/passwd', NO_RIGHT],
  ['become root with su', 'su -c id </dev/null', /Authentication|must be run|denied|not found|failure/i],
  [
    'become root with a setuid program',
    'cp "$(command -v id)" ./id && chmod 4755 ./id && ./id',
    /uid=(?!0\b)\d+(?!.*euid=0)/,
  ],
  ['make a user namespace', 'unshare -U id', NO_RIGHT],
  ['make a network namespace', 'unshare -n id', NO_RIGHT],
  ['mount a file system', 'mount -t tmpfs none /workspace', /permission|must be superuser|denied|not permitted/i],
  ['make a device node', 'mknod ./disk b 8 0 && cat ./disk', NO_RIGHT],
  ['open a disk of the machine', 'cat /dev/sda /dev/vda /dev/nvme0n1 | head -c 1', NOT_THERE],
  ['read the memory of the kernel', 'head -c 1 /proc/kcore /dev/mem; ls -l /proc/kcore', /denied|No such file|1, *3/i],
  ['change a setting of the kernel', 'echo x > /proc/sys/kernel/core_pattern', NO_RIGHT],
  ['crash the kernel by sysrq', 'echo c > /proc/sysrq-trigger', /denied|Read-only|No such file/i],
  ['read the log of the kernel', 'cat /dev/kmsg', /No such file|not permitted|denied/i],
  ['raise its own limits', 'echo max > /sys/fs/cgroup/memory.max || mkdir /sys/fs/cgroup/x', NO_RIGHT],
  [
    'reach the engine',
    'curl -sS --unix-socket /var/run/docker.sock http://d/info',
    /Couldn.t connect|Could not connect|No such/i,
  ],
  ["remove the coordinator's socket", 'rm -f /run/errand/coordinator/coordinator.sock', NO_RIGHT],
  [
    'list the folders of other workers',
    'ls /run/errand/coordinator/.. /run/errand/coordinator',
    /^(?!.*errand-[0-9a-hjkmnp-tv-z]{10}).*(coordinator\.sock|denied)/s,
  ],
  ['end the worker', 'kill -9 1 $PPID; echo still here', /still here/],
  ['load a module into the kernel', systemCall(175, 105, '0', '0', '0'), NO_RIGHT],
  ['trace with bpf', systemCall(321, 280, '0', '0', '0'), NO_RIGHT],
  ['count with perf', systemCall(298, 241, '0', '0', '-1', '-1', '0'), NO_RIGHT],
  ['use the keys of the kernel', systemCall(250, 219, '0', '-3', '0'), NO_RIGHT],
  ['handle page faults', systemCall(323, 282, '0'), NO_RIGHT],
  ['queue system calls with io_uring', systemCall(425, 425, '1', '0'), NO_RIGHT],
  [
    'open a socket to the hypervisor',
    `python3 -c "import socket; socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM); print('open')"`,
    NO_RIGHT,
  ],
  ['restart the machine', systemCall(169, 142, '0xfee1dead', '672274793', '0x1234567', '0'), NO_RIGHT],
]);

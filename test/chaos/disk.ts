import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Scene } from './scene.ts';

const run = promisify(execFile);
export const MB = 1024 * 1024;

/** Mounts a tmpfs of `bytes` at a folder until the scene ends. */
export async function mountDisk(scene: Scene, dir: string, bytes: number): Promise<void> {
  await mkdir(dir, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir]);
  scene.afterwards.push(() => run('umount', ['--lazy', dir]));
}

#!/usr/bin/env node
// Entry point. Plain JavaScript: it must start on an older Node, find the Node that the project
// brings and hand over to it before any TypeScript is read.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const minimumMajor = 24;

if (Number(process.versions.node.split('.')[0]) >= minimumMajor) {
  // Daemons live long and small: collect early instead of holding 40 MB of garbage in reserve.
  // Every command has the same flags, because code cached under others is not used.
  v8.setFlagsFromString('--semi-space-growth-factor=1');
  v8.setFlagsFromString('--heap-growing-percent=15');
  process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'tacit');
  module.enableCompileCache?.();
  const { main } = await import('../src/main.ts');
  process.exitCode = await main(process.argv.slice(2));
} else {
  const pinned = join(root, 'node_modules', '.bin', 'node');
  if (!existsSync(pinned)) {
    process.stderr.write(
      `error[runtime-missing]: tacit needs Node ${minimumMajor}, this is ${process.version}\n` +
        '  next   npm start (installs what it needs), or: npm ci\n',
    );
    process.exit(3);
  }
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}

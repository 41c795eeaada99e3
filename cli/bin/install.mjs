// Installs the locked dependencies when they are missing or older than the lockfile. Plain
// JavaScript without dependencies: it runs on whatever Node the host has, before the project's own
// Node is there.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
const stamp = join(root, 'node_modules', '.tacit-installed');

if (!installed()) {
  process.stderr.write('tacit: installing locked dependencies (first run only)\n');
  const npm = process.env.npm_execpath;
  const options = ['ci', '--loglevel=error', '--no-audit', '--no-fund'];
  const [command, args] = npm ? [process.execPath, [npm, ...options]] : ['npm', options];
  const run = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], env: quiet() });
  if (run.status !== 0) process.exit(run.status ?? 1);
  writeFileSync(stamp, lock);
}

function installed() {
  const node = join(root, 'node_modules', '.bin', 'node');
  if (!existsSync(stamp) || !existsSync(node)) return false;
  return statSync(stamp).isFile() && readFileSync(stamp, 'utf8') === lock;
}

/** The environment without what an outer `npm run` exported, which npm would take for options. */
function quiet() {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(config|package|lifecycle)_/i.test(name),
  );
  const registry = Object.entries(process.env).filter(([name]) =>
    /^npm_config_(registry|cache|userconfig|globalconfig|cafile|https?_proxy|proxy|noproxy)$/i.test(
      name,
    ),
  );
  return Object.fromEntries([...kept, ...registry]);
}

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
const node = join(root, 'node_modules', '.bin', 'node');
const stamp = join(root, 'node_modules', '.tacit-installed');

if (!installed()) {
  process.stderr.write('tacit: installing locked dependencies (first run only)\n');
  const npm = process.env.npm_execpath;
  const options = ['ci', '--loglevel=error', '--no-audit', '--no-fund'];
  const [command, args] = npm ? [process.execPath, [npm, ...options]] : ['npm', options];
  const run = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], env: quiet() });
  if (run.status !== 0) process.exit(run.status ?? 1);
  writeFileSync(stamp, lock);
  // Costs a second now and saves every later process its own; the product runs without it.
  spawnSync(node, [join(root, 'cli', 'bin', 'tacit.mjs'), 'warm'], { stdio: 'ignore' });
}

function installed() {
  if (!existsSync(stamp) || !existsSync(node)) return false;
  return statSync(stamp).isFile() && readFileSync(stamp, 'utf8') === lock;
}

/** The environment without what an outer `npm run -w` exported, which npm reads as options. */
function quiet() {
  const outer = [/^npm_config_(workspaces?|include_workspace_root|local_prefix)$/, /^npm_package_/];
  const kept = Object.entries(process.env).filter(([name]) => !outer.some((x) => x.test(name)));
  return Object.fromEntries(kept);
}

// What the compiler leaves out: it copies no files but code (the store reads its migrations, and a worker its recorded
// histories, beside their own modules), and it bundles nothing. Usage: node scripts/finishBuild.mjs [FOLDER], by default dist.
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const built = resolve(process.argv[2] ?? join(root, 'dist'));
const assets = ['store/migrations', 'dev/scenarios', 'replay/histories'];

for (const asset of assets) {
  const from = join(root, 'src', asset);
  if (!existsSync(from))
    throw new Error(`${from} does not exist; correct the list in scripts/finishBuild.mjs.`);
  cpSync(from, join(built, asset), { recursive: true });
}

const { BUILT_BUNDLE, bundleWorkflows } = await import(pathToFileURL(join(built, 'replay/bundle.js')).href);
// One of an earlier build would be taken for this one's.
rmSync(BUILT_BUNDLE, { force: true });
const { code } = await bundleWorkflows();
writeFileSync(BUILT_BUNDLE, code);

// The compiler copies no files but code; the store reads its migrations, and a worker its recorded histories,
// beside their own modules.
import { cpSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const assets = ['store/migrations', 'dev/scenarios', 'replay/histories'];

for (const asset of assets) {
  const from = join(root, 'src', asset);
  if (!existsSync(from))
    throw new Error(`${from} does not exist; correct the list in scripts/copyAssets.mjs.`);
  cpSync(from, join(root, 'dist', asset), { recursive: true });
}

import { writeFileSync } from 'node:fs';
import { type InjectionModel, packModel } from '../../src/guards/injectionModel.ts';
import { readInjectionData } from './injectionData.ts';
import { trainModel } from './injectionTraining.ts';

// npx tsx test/guards/train.ts: makes the weights of the injection filter anew. The same data give the same file.

const texts = readInjectionData();
if (texts === null) process.exit(2);

const shown = (name: string, model: InjectionModel) => {
  const { weights, scale, bias } = packModel(model);
  return `export const ${name}: PackedModel = {
  scale: ${scale},
  bias: ${bias},
  weights:
    '${weights}',
};
`;
};

writeFileSync(
  new URL('../../src/guards/injectionWeights.ts', import.meta.url),
  `import type { PackedModel } from './injectionModel.ts';

// Made by test/guards/train.ts: one signed byte for each bucket that words are hashed into, no text among them.

${shown('USER_MODEL', trainModel(texts, 'user'))}
${shown('TOOL_MODEL', trainModel(texts, 'tool'))}`,
);

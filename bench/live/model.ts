import { startScriptedModel } from '../../src/models/scripted/server.ts';
import { type Speech, scriptOf } from '../conversations/speech.ts';
import { ready } from './child.ts';

// The scripted model in a process of its own, with so many conversations by heart. BENCH_SPEECH says which.

const { conversations, ...speech }: Speech & { readonly conversations: number } = JSON.parse(
  process.env.BENCH_SPEECH ?? '{}',
);
const model = await startScriptedModel({
  conversations: Array.from({ length: conversations }, (_, i) => scriptOf(speech, i)),
});
ready(model.url, async () => {
  if (model.problems.length > 0)
    process.stderr.write(`the scripted model refused ${model.problems.length}: ${model.problems.at(-1)}\n`);
  await model.stop();
});

import { DBOS } from '@dbos-inc/dbos-sdk';
import { ask } from '../ask.ts';
import { pay, readPage, serve } from '../child.ts';

// DBOS as its documentation has it: one workflow, each call a step; the transcript is a variable of the workflow.

const converse = DBOS.registerWorkflow(
  async (conversation) => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: conversation }] }];
    for (;;) {
      const { content } = await DBOS.runStep(() => ask(messages), { name: 'callModel' });
      const calls = content.filter(({ type }) => type === 'tool_use');
      if (calls.length === 0) return 'completed';
      const results = [];
      for (const { id, name, input } of calls) {
        const result = await DBOS.runStep(() => use(name, input), { name: 'callTool' });
        results.push({ type: 'tool_result', tool_use_id: id, content: result });
      }
      messages.push({ role: 'assistant', content }, { role: 'user', content: results });
    }
  },
  { name: 'converse' },
);

async function use(name, input) {
  return name === 'pay' ? pay({ ...input, key: DBOS.workflowID }) : readPage(input);
}

DBOS.setConfig({
  name: 'bench',
  applicationVersion: '1',
  systemDatabaseUrl: process.env.DATABASE_URL,
  systemDatabasePoolSize: 20,
  logLevel: 'error',
});
// What a process that died had begun goes on from here.
await DBOS.launch();

serve({
  begin: async (conversation) => {
    const handle = await DBOS.startWorkflow(converse, { workflowID: conversation })(conversation);
    return handle.getResult();
  },
  resume: (conversation) => DBOS.retrieveWorkflow(conversation).getResult(),
});

import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import pg from 'pg';
import { ask } from '../ask.ts';
import { pay, readPage, serve } from '../child.ts';

// LangGraph as its documentation has it: a graph of two nodes over a list of messages, with the PostgreSQL checkpointer.
// The messages are plain JSON, which costs it less than LangChain's own message classes.

const State = Annotation.Root({
  messages: Annotation({ reducer: (before, added) => [...before, ...added], default: () => [] }),
});

const callsOf = ({ content }) => content.filter(({ type }) => type === 'tool_use');

async function callModel({ messages }) {
  const { content } = await ask(messages);
  return { messages: [{ role: 'assistant', content }] };
}

async function callTools({ messages }, { configurable }) {
  const results = [];
  for (const { id, name, input } of callsOf(messages.at(-1)))
    results.push({
      type: 'tool_result',
      tool_use_id: id,
      content: name === 'pay' ? await pay({ ...input, key: configurable.thread_id }) : readPage(input),
    });
  return { messages: [{ role: 'user', content: results }] };
}

const checkpointer = new PostgresSaver(new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 }));
await checkpointer.setup();
const graph = new StateGraph(State)
  .addNode('model', callModel)
  .addNode('tools', callTools)
  .addEdge(START, 'model')
  .addConditionalEdges('model', ({ messages }) => (callsOf(messages.at(-1)).length > 0 ? 'tools' : END))
  .addEdge('tools', 'model')
  .compile({ checkpointer });

async function run(input, conversation) {
  await graph.invoke(input, {
    configurable: { thread_id: conversation },
    recursionLimit: 10_000,
    // Null: the library's own default.
    ...(process.env.DURABILITY && { durability: process.env.DURABILITY }),
  });
  return 'completed';
}

serve({
  begin: (conversation) =>
    run({ messages: [{ role: 'user', content: [{ type: 'text', text: conversation }] }] }, conversation),
  resume: (conversation) => run(null, conversation),
});

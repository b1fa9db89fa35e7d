import { z } from 'zod';
import { failed, success } from '../../../tools/result.ts';
import { defineTool } from '../../../tools/tool.ts';
import { calculate as evaluate } from '../arithmetic.ts';
import { text } from './parameters.ts';
import { READ } from './results.ts';

const expressionInput = z.object({
  expression: text(1_000).describe('Digits, + - * / ( ) . and spaces, for example "(19.5 + 4.25) * 2".'),
});

export const calculate = defineTool<typeof expressionInput, unknown>({
  name: 'calculate',
  description: 'Calculates an arithmetic expression and returns the result rounded to two decimal places.',
  whenToUse: 'You have to add up prices or state a difference of more than two numbers.',
  whenNotToUse: 'A tool result states the number already.',
  category: 'general',
  reads: 'public',
  ...READ,
  input: expressionInput,
  summary: ({ expression }) => `calculate ${expression}`,
  run: ({ expression }) => {
    const calculation = evaluate(expression);
    return calculation.kind === 'value' ? success(calculation.text) : failed(calculation.message);
  },
});

const transferInput = z.object({
  summary: text(8_000).describe('What the customer wants, what was done, and why you cannot do the rest.'),
});

export const transferToHumanAgents = defineTool<typeof transferInput, unknown>({
  name: 'transfer_to_human_agents',
  description: 'Hands the customer over to a person, with your summary of the conversation.',
  whenToUse: 'What the customer needs is outside of what your tools and rules cover.',
  whenNotToUse: 'Your rules forbid what the customer wants: decline it. Or you can still do it yourself.',
  category: 'general',
  reads: 'public',
  ...READ,
  handsOver: true,
  input: transferInput,
  summary: ({ summary }) => `hand over to a person: ${summary}`,
  run: () => success('Transfer successful'),
});

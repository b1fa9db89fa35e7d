import { fileURLToPath } from 'node:url';
import type { Service } from './work.ts';

/** What becomes of a payment: the tool that is called, and the service it goes to. */
export interface Payment {
  readonly name: string;
  readonly tool: string;
  readonly service: Service;
  /** How the conversation must end after a kill; null where that is for others to promise. */
  readonly ends: 'completed' | 'asks a person' | null;
}

export interface Contender {
  readonly name: string;
  /** Relative to this file. */
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The activity that asks the model, where the engine is Temporal. */
  readonly modelActivity: string | null;
  /** Needs `npm ci` in this folder. */
  readonly installed: boolean;
  readonly payments: readonly Payment[];
}

const HONOURS: Payment = { name: 'service honours keys', tool: 'pay', service: 'honours', ends: null };
const IGNORES: Payment = { name: 'service ignores keys', tool: 'pay', service: 'ignores', ends: null };
const PEER = { environment: {}, modelActivity: null, installed: true, payments: [IGNORES, HONOURS] };

export const CONTENDERS: readonly Contender[] = [
  {
    name: 'Holdfast',
    program: '../programs/holdfast.ts',
    environment: {},
    modelActivity: 'callModel',
    installed: false,
    payments: [
      {
        name: "replay: 'never', service ignores keys",
        tool: 'pay_never',
        service: 'ignores',
        ends: 'asks a person',
      },
      {
        name: "replay: 'checkable', service ignores keys",
        tool: 'pay_checkable',
        service: 'ignores',
        ends: 'completed',
      },
      {
        name: "replay: 'keyed', service honours keys",
        tool: 'pay_keyed',
        service: 'honours',
        ends: 'completed',
      },
    ],
  },
  { ...PEER, name: '@temporalio/ai-sdk', program: './programs/aiSdk.mjs', modelActivity: 'invokeModel' },
  { ...PEER, name: 'LangGraph, async (its default)', program: './programs/langgraph.mjs' },
  {
    ...PEER,
    name: 'LangGraph, sync',
    program: './programs/langgraph.mjs',
    environment: { DURABILITY: 'sync' },
  },
  { ...PEER, name: 'DBOS', program: './programs/dbos.mjs' },
];

export function programPath({ program }: Contender): string {
  return fileURLToPath(new URL(program, import.meta.url));
}

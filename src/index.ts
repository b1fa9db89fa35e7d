// What agent authors import.

// Running
export { type Config, readConfig } from './config.ts';
// Limits
export { DEFAULT_RUN_LIMITS, type RunLimits } from './core/limits.ts';
export { type Amount, usd } from './core/money.ts';
export type { Phase } from './core/phases.ts';
// Policy
export {
  type Approvers,
  type Ask,
  decide,
  type Explanation,
  explain,
  FIRST_USE,
  type Permissions,
  type PolicyFacts,
  type Rule,
  type RuleAnswer,
  type RuleMatch,
  type Tier,
  type Verdict,
} from './core/policy.ts';
export { type LintedTool, lintPolicy, type PolicyFinding } from './core/policyLint.ts';
export type { Requester } from './core/requester.ts';
export { policyProblems, ruleProblems } from './core/rules.ts';
// Guards
export { groundingGuard, lengthGuard, personalDataGuard, toneGuard } from './guards/answerGuards.ts';
export { DEFAULT_GUARDS } from './guards/defaults.ts';
export type { Guard, Verdict as GuardVerdict } from './guards/guard.ts';
export { injectionGuard, type Scope, scopeGuard, shapeGuard } from './guards/inputGuards.ts';
export { plantedOrdersGuard } from './guards/outputGuards.ts';
export type { Known } from './guards/pii.ts';
export type { AnswerSubject, Guards, InputSubject, OutputSubject } from './guards/subjects.ts';
// Agents
export { type Agent, type AgentOptions, defineAgent, type Prompt } from './tools/agent.ts';
export type { Database, Outside } from './tools/outside.ts';
export { type CheckResult, failed, notFound, success, type ToolResult } from './tools/result.ts';
// Tools
export { defineTool, type Tool, type ToolContext, type ToolOptions } from './tools/tool.ts';
export { startWorker } from './worker.ts';

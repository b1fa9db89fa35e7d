import { agent as support } from '../agents/support/index.ts';
import { conversations, largeReturn } from './conversations.ts';
import type { Parts } from './parts.ts';
import type { Screen } from './screen.ts';

/** What somebody who has just typed `npm run dev` can do next, in another terminal. */
export function showHelp(
  screen: Screen,
  parts: Parts,
  about: { readonly promoted: readonly string[]; readonly signed: boolean },
): void {
  const { promoted, signed } = about;
  const { bold, dim, cyan } = screen.colors;
  const command = (what: string, words: string) => {
    screen.line(`  ${dim(what.padEnd(11))}npx holdfast ${words}`);
  };
  screen.line();
  screen.line(`  ${dim('releases'.padEnd(11))}${promoted.join(', ')}`);
  screen.line(
    `  ${dim('Temporal'.padEnd(11))}${parts.stack.temporalAddress}, UI: ${parts.stack.uiUrl === null ? 'that of your server' : cyan(parts.stack.uiUrl)}`,
  );
  screen.line(
    `  ${dim('model'.padEnd(11))}${parts.model === null ? 'the real one: it costs money' : `scripted, ${parts.model.url} (set ANTHROPIC_API_KEY for a real one)`}`,
  );
  screen.line();
  screen.line(`  ${bold('In another terminal')}`);
  command('start', `start ${support.release.agent} --workflow-id my-run --requester customer-1 --wait \\`);
  screen.line(`  ${' '.repeat(13)}${quote(largeReturn.script.opening)}`);
  command('send', `send my-run --by customer-1 ${quote(largeReturn.texts[1] ?? '')}`);
  command('list', 'list');
  command('show', 'show my-run');
  command('approvals', 'approvals');
  command('approve', 'approve APPROVAL --by YOUR_NAME');
  command('reject', "reject APPROVAL --by YOUR_NAME --reason 'why not'");
  command('people', 'people set YOUR_NAME --role approver --by YOUR_NAME');
  command('stop', "stop --all --by YOUR_NAME --reason 'why'  (--off lifts it)");
  if (signed) {
    screen.note('HOLDFAST_DECISION_KEY is set: only signed decisions of people in the directory count.');
    screen.note('Set it in that terminal, too, and add yourself with "people set".');
  }
  if (parts.model !== null) showScripts(screen);
  screen.line();
  screen.line(`  ${dim('Ctrl-C ends everything; the data stays.')}`);
  screen.line();
}

/** The scripted model plays what it knows, to the letter. */
function showScripts(screen: Screen): void {
  const { bold, dim } = screen.colors;
  screen.line();
  screen.line(`  ${bold('What the scripted model can talk about')}`);
  for (const { title, texts } of conversations.filter(({ agent }) => agent === support.release.agent)) {
    screen.line(`  ${dim(`${title}:`)}`);
    texts.forEach((text, i) => {
      screen.line(`    ${dim(i === 0 ? 'opening' : 'then   ')} ${quote(text)}`);
    });
  }
  screen.line(`  ${dim('Each order can be returned once; the shop opens anew with every start of dev.')}`);
}

/** For a POSIX shell, where an exclamation mark or a hash does nothing between single quotes. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<Named extends Options> = ReturnType<typeof parseArgs<{ readonly options: Named }>>['values'];

/** What the command was called with; null where it knows no such option, which is then said with those that it knows. */
export function readArguments<const Named extends Options>(
  options: Named,
  say: (line: string) => void,
): Values<Named> | null {
  try {
    return parseArgs({ options }).values as Values<Named>;
  } catch (error) {
    const known = Object.entries(options).map(([name, { type }]) =>
      type === 'string' ? `--${name} VALUE` : `--${name}`,
    );
    say(`${error instanceof Error ? error.message : error}; there are ${known.join(', ')}`);
    return null;
  }
}

/** Deeper nesting than this is refused: the reader recurses once or more a level. */
const MAX_DEPTH = 100;

export type Calculation =
  | { readonly kind: 'value'; readonly text: string }
  | { readonly kind: 'error'; readonly message: string };

/** An expression that cannot be evaluated; the message goes to the model. */
class ExpressionError extends Error {}

/**
 * Evaluates digits, `+ - * / ( ) .`, `**` (power) and `//` (floor division) in IEEE doubles. The text has two
 * decimal places at most and one at least: `100.0`, `12.5`, `-3.07`.
 */
export function calculate(expression: string): Calculation {
  if (!/^[0-9+\-*/(). ]*$/.test(expression))
    return { kind: 'error', message: 'Invalid characters in expression' };
  try {
    return { kind: 'value', text: print(round2(new Reader(tokensOf(expression)).readAll())) };
  } catch (error) {
    if (error instanceof ExpressionError) return { kind: 'error', message: error.message };
    throw error;
  }
}

/**
 * The multiple of 0.01 that is nearest to the exact binary value, ties to the even last digit.
 * `toFixed` is exact too but takes ties away from zero, so an odd last digit of a tie is lowered by one.
 */
export function round2(value: number): number {
  const text = value.toFixed(2);
  // k/200 with an odd k is a binary fraction only when it is an odd number of eighths.
  const isTie = Math.abs((value * 8) % 2) === 1;
  const lastDigit = Number(text.at(-1));
  return Number(isTie && lastDigit % 2 === 1 ? text.slice(0, -1) + (lastDigit - 1) : text);
}

function print(value: number): string {
  if (Math.abs(value) >= 1e21) return String(value);
  return Number.isInteger(value) ? `${value.toFixed(0)}.0` : String(value);
}

function tokensOf(expression: string): readonly string[] {
  return expression.match(/[0-9.]+|\*\*|\/\/|[-+*/()]/g) ?? [];
}

/**
 * Recursive descent, one method a precedence level:
 * sum = term (("+" | "-") term)*; term = signed (("*" | "/" | "//") signed)*;
 * signed = ("+" | "-") signed | power; power = atom ("**" signed)?; atom = number | "(" sum ")".
 */
class Reader {
  readonly #tokens: readonly string[];
  #position = 0;
  #depth = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  readAll(): number {
    const value = this.#sum();
    const rest = this.#tokens[this.#position];
    if (rest !== undefined) throw new ExpressionError(`invalid syntax: "${rest}" is not expected there`);
    return value;
  }

  #sum(): number {
    let value = this.#term();
    for (let sign = this.#take('+', '-'); sign; sign = this.#take('+', '-')) {
      const right = this.#term();
      value = finite(sign === '+' ? value + right : value - right);
    }
    return value;
  }

  #term(): number {
    let value = this.#signed();
    for (let sign = this.#take('*', '/', '//'); sign; sign = this.#take('*', '/', '//')) {
      const right = this.#signed();
      if (sign !== '*' && right === 0) throw new ExpressionError('division by zero');
      value = finite(sign === '*' ? value * right : sign === '/' ? value / right : floorDivide(value, right));
    }
    return value;
  }

  #signed(): number {
    return this.#deeper(() => {
      const sign = this.#take('+', '-');
      if (!sign) return this.#power();
      const value = this.#signed();
      return sign === '-' ? -value : value;
    });
  }

  #power(): number {
    const base = this.#atom();
    if (!this.#take('**')) return base;
    const exponent = this.#signed();
    if (base === 0 && exponent < 0) throw new ExpressionError('division by zero');
    return finite(base ** exponent);
  }

  #atom(): number {
    if (this.#take('(')) {
      const value = this.#sum();
      if (!this.#take(')')) throw new ExpressionError('invalid syntax: ")" is missing');
      return value;
    }
    const token = this.#tokens[this.#position++];
    if (token === undefined) throw new ExpressionError('invalid syntax: the expression ends too early');
    // Leading zeros of a whole number are refused, because some languages read them as octal.
    if (!/^(0+|[1-9]\d*|\d+\.\d*|\.\d+)$/.test(token))
      throw new ExpressionError(`invalid syntax: "${token}" is not a number`);
    return finite(Number(token));
  }

  #take(...wanted: readonly string[]): string | null {
    const token = this.#tokens[this.#position];
    if (token === undefined || !wanted.includes(token)) return null;
    this.#position++;
    return token;
  }

  #deeper(read: () => number): number {
    if (++this.#depth > MAX_DEPTH) throw new ExpressionError(`nested deeper than ${MAX_DEPTH} levels`);
    const value = read();
    this.#depth--;
    return value;
  }
}

/** The floor of the exact quotient, from the remainder: `1 // 0.1` is 9, because 0.1 is a little more than a tenth. */
function floorDivide(left: number, right: number): number {
  const remainder = left % right;
  const quotient = (left - remainder) / right;
  const adjusted = remainder !== 0 && right < 0 !== remainder < 0 ? quotient - 1 : quotient;
  return Math.round(adjusted);
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new ExpressionError('the result is not a finite real number');
  return value;
}

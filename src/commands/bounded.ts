/** The result of `work`, unless it takes too long: then `late` is thrown, and `work` goes on unheard. */
export async function within<Result>(
  timeoutMs: number,
  work: Promise<Result>,
  late: () => Error = () => new Error(`no answer within ${timeoutMs / 1_000} s`),
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), timeoutMs);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** Does `work` for 0 to `count` - 1, so many at a time; ends early, in good order, once `enough` says so. */
export async function crowd(
  {
    count,
    atOnce,
    enough = () => false,
  }: {
    readonly count: number;
    readonly atOnce: number;
    readonly enough?: () => boolean;
  },
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const one = async () => {
    while (next < count && !enough()) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, one));
}

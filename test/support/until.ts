/** Waits for a condition, not for a time: looks again every few milliseconds, up to a bound. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  waitMsMax = 5_000,
): Promise<void> {
  const giveUpAtMs = performance.now() + waitMsMax;
  while (!(await condition())) {
    if (performance.now() > giveUpAtMs) throw new Error("the condition did not come true in time");
    await Bun.sleep(2);
  }
}

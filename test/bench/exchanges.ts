/** Logs of exchanges as a run could have had them, for tests of what is made of them. */
import type { ExchangeLog, LoggedExchange } from "../../bench/exchange-log.ts";

/** Sent when planned, one after the other every `everyMs`; change what a test is about. */
export function exchanges(
  count: number,
  everyMs: number,
  change: (plannedMs: number) => Partial<Omit<LoggedExchange, "plannedMs">> & {
    readonly tookMs?: number;
  } = () => ({}),
): ExchangeLog {
  const made = Array.from({ length: count }, (_, index): LoggedExchange => {
    const plannedMs = index * everyMs;
    const { tookMs = 10, ...members } = change(plannedMs);
    return {
      plannedMs,
      sentMs: plannedMs,
      firstFrameMs: undefined,
      endedMs: plannedMs + tookMs,
      label: "200",
      ...members,
    };
  });
  return { startedAtMs: 1_000_000, exchanges: made };
}

export const machine = {
  cpuModel: "Test <CPU> & more",
  cores: 2,
  memoryBytes: 8 * 2 ** 30,
  system: "Linux 6.1",
  bun: "1.4.4",
  commit: "abc1234",
} as const;

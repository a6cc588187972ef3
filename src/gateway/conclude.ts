/** The one exit of every exchange, taken exactly once: give back what is still taken, then record. */
import { addUsage } from "../dialects/usage-counts.ts";
import { NO_USAGE, type Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { record } from "./record.ts";

export function conclude(gateway: Gateway, exchange: Exchange): void {
  if (exchange.isConcluded) return;
  exchange.isConcluded = true;
  exchange.release();
  exchange.call.onEnd();
  endStory(gateway, exchange);
  const { principal } = exchange;
  if (exchange.isAdmitted && principal !== null) {
    const atMs = gateway.clock.nowMs();
    const usage = exchange.attempts.reduce(
      (sum, attempt) => addUsage(sum, attempt.usage),
      NO_USAGE,
    );
    gateway.directory.owners.tell(
      principal.scopes,
      // Where nothing was sent, the request took nothing from any limit. A hold that is on its way to
      // the disk must not be undone, and its request is counted there already.
      exchange.attemptCount === 0 && !exchange.leavesHold
        ? { type: "exchange.undo", exchangeId: exchange.id, atMs }
        : {
            type: "exchange.end",
            exchangeId: exchange.id,
            tokensUsed: usage.inputTokens + usage.outputTokens,
            atMs,
          },
    );
  }
  gateway.lifecycle.leave(exchange);
  record(gateway, exchange);
}

/** Everything is settled: whatever state the story is in, it ends here. */
function endStory({ clock }: Gateway, { story, clientGone }: Exchange): void {
  if (story === null || !story.isAlive()) return;
  const atMs = clock.nowMs();
  if (story.step().do !== "settle") {
    story.send({ type: clientGone ? "client.left" : "answer.ended", atMs });
  }
  story.send({ type: "exchange.settled", atMs });
}

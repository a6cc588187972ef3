/**
 * The load generator as a process of its own, so that neither upstream nor bench takes its time:
 * `bun bench/generator/main.ts`. `POST /offer` with an offer answers with the log of its exchanges
 * once all of them have ended; several offers may run at once.
 */
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { type Offer, packLog } from "./contract.ts";
import { runOffer } from "./offer.ts";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  // The answer comes when the load is over.
  idleTimeout: 0,
  routes: {
    "/offer": {
      POST: async (request) => {
        // The shape is ours on both sides.
        const offer = (await request.json()) as Offer;
        const { signal } = request;
        const log = await runOffer(offer, { clock: systemClock, random: systemRandom, signal });
        return Response.json(packLog(log));
      },
    },
  },
  error: (error) => new Response(error.message, { status: 500 }),
});

const end = (): void => process.exit(0);
process.once("SIGTERM", end);
process.once("SIGINT", end);
process.stdout.write(`generator listening on http://${server.hostname}:${server.port}\n`);

/**
 * The slow peers as a process of their own, so that they take no time from whoever measures:
 * `bun bench/slow-peers/main.ts`. `POST /come` with a plan brings a crowd and answers when all of it
 * is there, `GET /counts` says how it stands, `POST /leave` ends it.
 */
import { systemClock } from "../../src/base/clock.ts";
import { Crowd, type CrowdPlan } from "./crowd.ts";

let crowd: Crowd | undefined;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  // A crowd takes its time to come.
  idleTimeout: 0,
  routes: {
    "/come": {
      POST: async (request) => {
        crowd?.leave();
        // The shape is ours on both sides.
        const coming = new Crowd((await request.json()) as CrowdPlan);
        crowd = coming;
        await coming.come(systemClock);
        return Response.json(coming.counts());
      },
    },
    "/counts": { GET: () => Response.json(crowd?.counts() ?? null) },
    "/leave": {
      POST: () => {
        crowd?.leave();
        crowd = undefined;
        return Response.json(null);
      },
    },
  },
  error: (error) => new Response(error.message, { status: 500 }),
});

const end = (): void => {
  crowd?.leave();
  process.exit(0);
};
process.once("SIGTERM", end);
process.once("SIGINT", end);
process.stdout.write(`crowd listening on http://${server.hostname}:${server.port}\n`);

/**
 * Takes the port. A second process on the same port must fail, not share it (Elysia would turn
 * `reusePort` on), and Bun's idle timer serves only against senders that dribble.
 */
import type { AnyElysia } from "elysia";
import { assert } from "../base/assert.ts";

export type RunningServer = {
  readonly url: string;
  readonly port: number;
  /** Stops listening; answers under way go on unless `force`. */
  readonly stop: (force: boolean) => Promise<void>;
};

/** Turned off for each request from its body's last byte to its answer's; Bun takes at most 255. */
export const IDLE_SECONDS = 60;

export type Address = {
  readonly hostname: string;
  /** 0 picks a free one. */
  readonly port: number;
};

/** Takes the port for a moment, and throws Bun's error when {@link listen} could not have it. */
export function tryPort({ hostname, port }: Address): void {
  Bun.listen({ hostname, port, socket: { data: () => undefined } }).stop(true);
}

/** Throws Bun's error when the port is taken or may not be used. */
export function listen(app: AnyElysia, { hostname, port }: Address): RunningServer {
  app.listen({
    hostname,
    port,
    reusePort: false,
    idleTimeout: IDLE_SECONDS,
    // Whoever reads a body bounds it and words the refusal; Bun's own would come without a body.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
  });
  const { server } = app;
  assert(server?.port, "the server has no port after it began to listen");
  return {
    port: server.port,
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${server.port}`,
    stop: async (force) => {
      await server.stop(force);
    },
  };
}

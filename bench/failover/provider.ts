/**
 * A simulated provider that fails and heals when it is told to, and remembers what reached it. It
 * keeps its port while it is gone, so that whoever was configured with it finds it again.
 */
import type { UpstreamOptions } from "../upstream/server.ts";
import { startUpstream, type Upstream } from "../upstream/server.ts";
import type { FailWay } from "./options.ts";

/** A request as the provider itself received it; wall time. */
export type Arrival = { readonly atMs: number; readonly isAnswered: boolean };

/** Every request of a run of any size that the options allow. */
const options: UpstreamOptions = { requestsMax: 1_000_000 };

/** Call {@link SimulatedProvider.stop} in the end. */
export class SimulatedProvider {
  #upstream: Upstream;
  readonly #before: Upstream[] = [];
  #isGone = false;

  private constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  static async start(): Promise<SimulatedProvider> {
    return new SimulatedProvider(await startUpstream(options));
  }

  get baseUrl(): string {
    return `${this.#upstream.url}/v1`;
  }

  /** `retryAfterSeconds`: what it asks for where its way to fail is to throttle. */
  async fail(way: FailWay, retryAfterSeconds: number): Promise<void> {
    switch (way) {
      case "503":
        return this.#upstream.script("status=503");
      case "429":
        return this.#upstream.script(`status=429&retry_after=${retryAfterSeconds}`);
      case "hang":
        return this.#upstream.script("hang=1");
      case "refused":
        this.#isGone = true;
        return await this.#upstream.stop();
    }
  }

  /** As it was before it failed. */
  async heal(): Promise<void> {
    if (!this.#isGone) return this.#upstream.script("");
    this.#before.push(this.#upstream);
    this.#upstream = await startUpstream({ ...options, port: this.#upstream.port });
    this.#isGone = false;
  }

  /** Chat completions in the order of their arrival. */
  arrivals(): readonly Arrival[] {
    return [...this.#before, this.#upstream]
      .flatMap((upstream) => upstream.requests())
      .filter(({ path }) => path.endsWith("/chat/completions"))
      .map(({ receivedAtMs, status }) => ({ atMs: receivedAtMs, isAnswered: status === 200 }));
  }

  async stop(): Promise<void> {
    if (!this.#isGone) await this.#upstream.stop();
  }
}

/**
 * How a deliberately broken variant of the gateway is made: by putting something wrong between its
 * parts when a process is assembled. The product itself has no switch for any of them.
 */
import type { Clock } from "../../src/base/clock.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import type { Store } from "../../src/store/contract.ts";
import type { Link } from "../../src/store/link.ts";

/** What a mutant may know of the process it sits in. */
export type Host = { readonly epoch: number; readonly file: string; readonly clock: Clock };

export type Mutant = {
  readonly name: string;
  /** What is wrong with it. */
  readonly says: string;
  readonly store?: (store: Store, host: Host) => Store;
  readonly gateway?: (gateway: Gateway, host: Host) => void;
  readonly link?: (link: Link, host: Host) => Link;
};

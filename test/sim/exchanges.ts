/** Who has asked what in a run: exchanges as their clients know them, by number. */
import type { ExchangeFacts } from "./oracle-types.ts";
import type { Draw } from "./parts.ts";
import type { Arrival, Script } from "./plan.ts";
import type { Process } from "./process.ts";
import { RESIDENTS } from "./town.ts";
import type { World } from "./world.ts";

export class Exchanges {
  readonly #world: World;
  readonly #draws = new Map<string, Draw>();
  readonly #begun: { readonly facts: ExchangeFacts; readonly arrival: Arrival }[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get count(): number {
    return this.#begun.length;
  }

  /** Numbers of those whose clients still wait. */
  get waiting(): number[] {
    return this.#begun.filter(({ facts }) => !facts.isOver).map(({ facts }) => facts.number);
  }

  drew(uuid: string, draw: Draw): void {
    this.#draws.set(uuid, draw);
  }

  /** When an id with its prefix was drawn; undefined for one that nobody drew. */
  momentOf(id: string): Draw | undefined {
    return this.#draws.get(id.slice(id.indexOf("_") + 1));
  }

  of(number: number): { facts: ExchangeFacts; scripts: readonly Script[] } {
    const { facts, arrival } = this.#begun[number - 1] ?? {};
    if (facts === undefined || arrival === undefined) throw new Error(`no exchange ${number}`);
    return { facts, scripts: arrival.scripts };
  }

  /** A new exchange; the first thing that the gateway draws in `call` is its id. */
  begin(arrival: Arrival, { epoch }: Process, call: () => void): ExchangeFacts {
    const asker = RESIDENTS[arrival.resident];
    if (asker === undefined) throw new Error(`nobody is number ${arrival.resident}`);
    const number = this.count + 1;
    const facts = { number, asker, epoch, requestId: "", isOver: false, leftAtOrder: null };
    const exchange: ExchangeFacts = facts;
    this.#begun.push({ facts: exchange, arrival });
    const before = this.#draws.size;
    call();
    facts.requestId = `req_${[...this.#draws.keys()][before]}`;
    this.#world.note(`x${number} begins ${facts.requestId}`);
    return exchange;
  }

  /** Their process is gone; the clients see a broken connection. */
  orphan(epoch: number): void {
    for (const { facts } of this.#begun) {
      if (facts.epoch === epoch) facts.isOver = true;
    }
  }
}

/** What a batch has cost: the sum of its answers, each in the tier of its own input, rounded up once. */
import type { NanoUsd } from "../../base/units.ts";
import type { Usage } from "../../dialects/usage-contract.ts";
import { batchPicoUsdPermille, exactParts, roundedUp } from "./cost.ts";
import type { ModelPrice } from "./price.ts";

export class BatchCost {
  readonly #price: ModelPrice;
  #picoUsdPermille = 0n;

  constructor(price: ModelPrice) {
    this.#price = price;
  }

  /** One answer. */
  add(usage: Usage): void {
    this.#picoUsdPermille += batchPicoUsdPermille(exactParts(usage, this.#price), this.#price);
  }

  nanoUsd(): NanoUsd {
    return roundedUp(this.#picoUsdPermille);
  }
}

/** What two lines of a file for batches can cost, as is remembered of such a file. */
import type { BatchBounds } from "../../src/dialects/job-contract.ts";

export const EMBEDDINGS_BOUNDS: BatchBounds = {
  surface: "embeddings",
  lines: 2,
  textBytes: 90,
  images: 0,
  unsizedLines: 0,
  lineTextBytesMax: 45,
  lineImagesMax: 0,
  outputTokensMax: 0,
  unlimitedChoices: 0,
  choices: 0,
  generates: false,
  without: ["audio_input", "image_input", "audio_output", "image_output", "cache_write_1h"],
  toolCallsMax: {},
  unitsMax: {},
  beyondPrice: null,
  endUser: null,
};

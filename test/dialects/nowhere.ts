/** Where most requests come: at a path that names no model. */
import type { Place } from "../../src/dialects/contract.ts";

export const NOWHERE: Place = { model: null };

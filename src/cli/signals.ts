/** Waiting for the operating system's request to end. */

/** Resolves with the name of the first SIGTERM or SIGINT from now on. */
export function endRequested(): Promise<"SIGTERM" | "SIGINT"> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve("SIGTERM"));
    process.once("SIGINT", () => resolve("SIGINT"));
  });
}

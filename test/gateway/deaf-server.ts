/**
 * A port that takes no connection and refuses none: a process listens there and is halted, and its queue of
 * connections is full, so that the kernel lets every further one wait.
 */
import { connect, type Socket } from "node:net";
import { until } from "../support/until.ts";

const LISTEN = `
  const server = require("node:net").createServer();
  server.listen({ host: "127.0.0.1", port: 0 }, () => console.log(server.address().port));
`;
/** Bun 1.4.4 asks for a queue of 512, into which the kernel lets one more. */
const QUEUE = 513;
const CONNECTIONS = QUEUE + 50;

export async function deafServer(): Promise<{ readonly port: number; readonly stop: () => void }> {
  const child = Bun.spawn([process.execPath, "-e", LISTEN], { stdout: "pipe", stderr: "inherit" });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const port = Number(new TextDecoder().decode(value));
  child.kill("SIGSTOP");
  let connected = 0;
  const sockets = Array.from({ length: CONNECTIONS }, (): Socket => {
    const socket = connect({ host: "127.0.0.1", port }, () => {
      connected += 1;
    });
    socket.on("error", () => undefined);
    return socket;
  });
  await until(() => connected >= QUEUE);
  return {
    port,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      child.kill("SIGKILL");
    },
  };
}

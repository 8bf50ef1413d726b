// A process for each of two cores, and the one that starts them.
import cluster from "node:cluster";
import { createServer } from "node:http";

const PROCESSES = 2;

if (cluster.isPrimary) {
  for (let count = 0; count < PROCESSES; count++) cluster.fork();
  cluster.on("exit", () => process.exit(1)); // with what is left of them
} else {
  const { toNodeHandler } = await import("better-auth/node");
  const { auth } = await import("./auth.js");
  createServer(toNodeHandler(auth)).listen(Number(process.env.PORT), "127.0.0.1");
}
